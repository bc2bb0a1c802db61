package io.opensandbox.runtime.local.image;

import io.opensandbox.runtime.local.process.Runner;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

/// Unpacks the archive of one layer.
///
/// GNU tar does it, locked into a namespace in which the target is the only place that can be
/// written, so that no trick of an archive reaches the host. Deletion marks (`.wh.`) become what
/// overlayfs understands.
final class LayerArchive {
  private static final Duration LIMIT = Duration.ofMinutes(15);
  private static final String MARK = ".wh.";
  private static final String OPAQUE_MARK = ".wh..wh..opq";
  private static final int GZIP = 0x1f8b;
  private static final int ZSTD = 0x28b5;
  private static final int BATCH = 200;

  /// What tar says where its user namespace lacks the owner of a file.
  private static final Pattern NO_SUCH_USER =
      Pattern.compile("Cannot change ownership to uid \\d+, gid \\d+: Invalid argument");

  private final Runner runner;

  LayerArchive(Runner runner) {
    this.runner = runner;
  }

  /// Whether the archive can be checked against the digest of what is in it. One that cannot must
  /// go by the digest of the archive itself.
  static boolean isVerifiable(Path archive) {
    return magic(archive) != ZSTD;
  }

  /// Unpacks `archive` into the empty directory `target`.
  ///
  /// @param digest hexadecimal SHA-256 of the unpacked archive, checked where it can be
  /// @param limit of what is unpacked
  /// @throws UncheckedIOException when it is damaged, too large or has another digest
  void unpack(Path archive, Path target, String digest, UnpackLimit limit) {
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(archive), 1 << 16)) {
      if (isVerifiable(archive)) {
        InputStream plain = magic(archive) == GZIP ? new GZIPInputStream(raw, 1 << 16) : raw;
        unpackChecked(limit.counted(plain), target, digest, limit);
      } else {
        limit.take(zstdSize(archive, limit.left()));
        limit.check();
        tar(raw, target, "--zstd");
      }
      convertMarks(target);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot unpack a layer: " + e.getMessage(), e);
    }
  }

  private void unpackChecked(InputStream plain, Path target, String digest, UnpackLimit limit)
      throws IOException {
    MessageDigest sha256 = sha256();
    try (var checked = new DigestInputStream(plain, sha256)) {
      tar(checked, target, "--no-auto-compress");
      // tar stops at the end mark; the digest covers the padding after it, too.
      checked.transferTo(OutputStream.nullOutputStream());
    } catch (Runner.RunFailure e) {
      limit.check(); // the better reason
      throw e;
    }
    limit.check();
    String found = HexFormat.of().formatHex(sha256.digest());
    if (!found.equals(digest)) {
      throw new IOException("its digest is " + found + ", not " + digest);
    }
  }

  /// How many bytes there are below the compression, looked at no further than one beyond `most`.
  private long zstdSize(Path archive, long most) {
    Runner.Output size =
        runner.check(
            confined(
                    List.of("--ro-bind", archive.toString(), "/archive"),
                    List.of(
                        "sh",
                        "-c",
                        "zstd -dc -- /archive 2>/dev/null | head -c \"$1\" | wc -c",
                        "sh",
                        Long.toString(Math.max(0, most) + 1)))
                .within(LIMIT));
    return Long.parseLong(size.stdout().strip());
  }

  private void tar(InputStream archive, Path target, String compression) {
    try {
      runner.check(extraction(target, compression).withInput(archive));
    } catch (Runner.RunFailure e) {
      throw NO_SUCH_USER.matcher(String.valueOf(e.getMessage())).find()
          ? new Runner.RunFailure(
              "it has files of other users, whom an ordinary user has with newuidmap (package"
                  + " uidmap) and a line each in /etc/subuid and /etc/subgid only",
              e)
          : e;
    }
  }

  private static Runner.Command extraction(Path target, String compression) {
    return confined(
            List.of("--bind", target.toString(), "/layer", "--chdir", "/layer"),
            List.of(
                "tar",
                "-x",
                compression,
                "-f",
                "-",
                "--numeric-owner",
                "--same-owner",
                "--same-permissions",
                "--xattrs",
                "--xattrs-include=*",
                "--xattrs-exclude=*.overlay.*",
                "--delay-directory-restore",
                "--no-overwrite-dir",
                "--warning=no-timestamp",
                // Every sandbox has a /dev of its own, and ordinary users cannot make devices.
                "--anchored",
                "--exclude=./dev/*",
                "--exclude=dev/*"))
        .within(LIMIT);
  }

  /// A command that sees the host's programs and `mounts` only.
  private static Runner.Command confined(List<String> mounts, List<String> command) {
    List<String> argv =
        new ArrayList<>(List.of("bwrap", "--unshare-net", "--unshare-pid", "--unshare-ipc"));
    argv.addAll(List.of("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"));
    argv.addAll(List.of("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"));
    argv.addAll(List.of("--dev", "/dev"));
    argv.addAll(mounts);
    argv.add("--");
    argv.addAll(command);
    return Runner.Command.of(argv);
  }

  private void convertMarks(Path target) throws IOException {
    List<String> deleted = new ArrayList<>();
    Files.walkFileTree(target, new Marks(deleted));
    for (int i = 0; i < deleted.size(); i += BATCH) {
      List<String> argv =
          new ArrayList<>(
              List.of("sh", "-c", "for f; do mknod -m 0 \"$f\" c 0 0 || exit 1; done", "sh"));
      argv.addAll(deleted.subList(i, Math.min(deleted.size(), i + BATCH)));
      runner.check(Runner.Command.of(argv));
    }
  }

  private static int magic(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] start = in.readNBytes(2);
      return start.length < 2 ? 0 : (start[0] & 0xff) << 8 | (start[1] & 0xff);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /// Takes the marks out of the tree; collects the paths to be shown as deleted.
  private static final class Marks extends SimpleFileVisitor<Path> {
    private final List<String> deleted;

    private Marks(List<String> deleted) {
      this.deleted = deleted;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      String name = file.getFileName().toString();
      if (!name.startsWith(MARK)) {
        return FileVisitResult.CONTINUE;
      }
      Files.delete(file);
      if (name.equals(OPAQUE_MARK)) {
        hideBelow(file.resolveSibling("."));
      } else if (!name.startsWith(MARK + MARK)) {
        Path hidden = file.resolveSibling(name.substring(MARK.length()));
        if (!Files.exists(hidden, LinkOption.NOFOLLOW_LINKS)) {
          deleted.add(hidden.toString());
        } else if (Files.isDirectory(hidden, LinkOption.NOFOLLOW_LINKS)) {
          // Deleted and made anew in one layer.
          hideBelow(hidden);
        }
      }
      return FileVisitResult.CONTINUE;
    }

    private static void hideBelow(Path directory) throws IOException {
      Files.getFileAttributeView(
              directory, UserDefinedFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
          .write("overlay.opaque", ByteBuffer.wrap("y".getBytes(StandardCharsets.US_ASCII)));
    }
  }
}
