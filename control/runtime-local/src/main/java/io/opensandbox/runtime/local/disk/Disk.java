package io.opensandbox.runtime.local.disk;

import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The file system of one runtime.
public final class Disk implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Disk.class);
  private static final long SMALLEST_BYTES = 256L << 20;

  /// Inode of the root of every subvolume (`BTRFS_FIRST_FREE_OBJECTID`), and of nothing else.
  private static final long SUBVOLUME_ROOT = 256;

  private static final List<String> TOOLS = List.of("mkfs.btrfs", "btrfs", "mount", "umount");

  private static final String OVERLAY_TRIAL =
      """
      mkdir -p lower upper work merged &&
      busybox mount -t overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work overlay merged &&
      echo written >merged/file
      """;

  private final Path root;
  private final Optional<String> withoutQuotas;
  private final Runner runner;

  private Disk(Path root, Optional<String> withoutQuotas, Runner runner) {
    this.root = root;
    this.withoutQuotas = withoutQuotas;
    this.runner = runner;
  }

  /// Opens the file system below `data`, making or mounting it when it is not there. Falls back to
  /// a directory without quotas, with a reason, where that is not possible.
  ///
  /// @param maxBytes size of a new one; it takes only what is in it
  public static Disk open(Path data, long maxBytes, Runner runner) {
    Path image = data.resolve("disk.btrfs");
    Path root = data.resolve("disk");
    try {
      Files.createDirectories(root);
      if (!Mounts.has(root, "btrfs")) {
        requireTools(runner);
        if (!Files.exists(image)) {
          make(image, Math.max(SMALLEST_BYTES, maxBytes), runner);
        }
        // Without barriers: else each commit waits until the host has written everything that is
        // dirty, and all sandboxes stand still for as long (a minute was seen).
        runner.text(
            "mount",
            "-t",
            "btrfs",
            "-o",
            "loop,noatime,nobarrier",
            image.toString(),
            root.toString());
      }
      runner.text("btrfs", "quota", "enable", root.toString());
      Subvolumes.load();
      return new Disk(root, Optional.empty(), runner);
    } catch (Runner.RunFailure e) {
      String reason = "sandboxes have no disk quotas: " + e.getMessage();
      LOG.warn(reason);
      return new Disk(data, Optional.of(reason), runner);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot use " + root, e);
    }
  }

  /// A directory without quotas.
  ///
  /// @param reason why there are none
  public static Disk plain(Path data, String reason, Runner runner) {
    return new Disk(data, Optional.of(reason), runner);
  }

  private static void requireTools(Runner runner) {
    for (String tool : TOOLS) {
      Runner.Output found =
          runner.run(Runner.Command.of("sh", "-c", "command -v \"$1\"", "sh", tool));
      if (found.exitCode() != 0) {
        throw new Runner.RunFailure("there is no " + tool);
      }
    }
  }

  /// Mounts an overlay as sandboxes have them, which nobody else sees, and writes to it.
  ///
  /// @throws Runner.RunFailure with the reason where the kernel does not allow that
  public void tryOverlay() {
    Path trial = root.resolve("overlay-trial");
    try {
      runner.text("mkdir", "-p", "--", trial.toString());
      runner.check(Runner.Command.of("unshare", "--mount", "sh", "-c", OVERLAY_TRIAL).in(trial));
    } finally {
      runner.run(Runner.Command.of("rm", "-rf", "--one-file-system", "--", trial.toString()));
    }
  }

  /// Complete or not there at all, so that a server killed meanwhile leaves no half of one.
  private static void make(Path image, long bytes, Runner runner) throws IOException {
    Path draft = image.resolveSibling(image.getFileName() + ".tmp");
    Files.deleteIfExists(draft);
    runner.text("truncate", "-s", Long.toString(bytes), draft.toString());
    runner.text(
        "mkfs.btrfs", "-q", "-m", "single", "-d", "single", "--nodiscard", draft.toString());
    Files.move(draft, image);
  }

  /// The directory in which everything is kept.
  public Path root() {
    return root;
  }

  /// Why there are no quotas, or empty when there are.
  public Optional<String> withoutQuotas() {
    return withoutQuotas;
  }

  /// Makes a directory in which no more than `bytes` can be written; a directory that is there
  /// already keeps what is in it.
  public void makeRoom(Path directory, long bytes) {
    if (withoutQuotas.isPresent()) {
      try {
        Files.createDirectories(directory);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot make " + directory, e);
      }
      return;
    }
    try {
      try {
        Subvolumes.create(directory);
      } catch (FileAlreadyExistsException _) { // a start that was interrupted made it
      }
      Subvolumes.limit(directory, bytes);
    } catch (IOException e) {
      throw new Runner.RunFailure("cannot make room for a sandbox: " + e.getMessage(), e);
    }
  }

  /// Removes a directory that [#makeRoom] made with a limit; any other stays, absent is fine.
  public void removeRoom(Path directory) {
    if (withoutQuotas.isEmpty() && isSubvolume(directory)) {
      try {
        Subvolumes.delete(directory);
      } catch (NoSuchFileException _) { // somebody was faster
      } catch (IOException e) {
        throw new Runner.RunFailure("cannot remove " + directory + ": " + e.getMessage(), e);
      }
    }
  }

  private static boolean isSubvolume(Path directory) {
    try {
      return Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
          && Files.getAttribute(directory, "unix:ino") instanceof Long number
          && number == SUBVOLUME_ROOT;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at " + directory, e);
    }
  }

  /// Forgets the accounts of what was removed. The kernel takes its time with each, so those that
  /// are still needed stay for the next call.
  public void forgetRemoved() {
    if (withoutQuotas.isPresent()) {
      return;
    }
    runner.run(
        Runner.Command.of(
                "sh",
                "-c",
                "btrfs qgroup show \"$1\" | grep '<stale>$' | while read -r group _; do"
                    + " btrfs qgroup destroy \"$group\" \"$1\"; done",
                "sh",
                root.toString())
            .behind());
  }

  /// Unmounts. Call when nothing uses it any more.
  @Override
  public void close() {
    if (withoutQuotas.isEmpty()) {
      Runner.Output done = runner.run(Runner.Command.of("umount", root.toString()));
      if (done.exitCode() != 0) {
        LOG.warn("{} stays mounted: {}", root, done.stderr().strip());
      }
    }
  }
}
