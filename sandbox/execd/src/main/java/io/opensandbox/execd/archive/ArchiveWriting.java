package io.opensandbox.execd.archive;

import io.opensandbox.execd.file.FileStatus;
import io.opensandbox.execd.file.FileTree;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/// Writes everything below a directory as tar, in the order of names. Links go in as links; pipes,
/// sockets and devices are left out; what vanishes meanwhile is skipped.
final class ArchiveWriting {
  private final Path root;
  private final String prefix;
  private final OutputStream out;
  private final TarWriter tar;
  private final byte[] buffer = new byte[64 * 1024];
  private TarWriter.Extras extras = TarWriter.Extras.NONE;
  private int modeBits = 0777;

  /// @param prefix before each name
  /// @param out what `tar` writes to
  ArchiveWriting(Path root, String prefix, TarWriter tar, OutputStream out) {
    this.root = root;
    this.prefix = prefix;
    this.out = out;
    this.tar = tar;
  }

  /// Writes a whole archive.
  static void write(Path root, OutputStream out) throws IOException {
    TarWriter tar = new TarWriter(out);
    new ArchiveWriting(root, "", tar, out).writeEntries(root);
    tar.end();
  }

  private void writeEntries(Path directory) throws IOException {
    for (Path name : FileTree.sortedNames(directory)) {
      writeEntry(directory.resolve(name));
    }
  }

  private void writeEntry(Path path) throws IOException {
    FileStatus status;
    try {
      status = FileStatus.ofLink(path);
      writeAlone(path, status);
    } catch (NoSuchFileException _) {
      return;
    }
    if (status.isDirectory()) {
      writeEntries(path);
    }
  }

  /// Writes one entry, a directory without what it holds.
  void writeAlone(Path path, FileStatus status) throws IOException {
    String name = prefix + root.relativize(path);
    long modified = status.modified().to(TimeUnit.SECONDS);
    int mode = status.mode() & modeBits;
    if (status.isDirectory()) {
      tar.begin(new TarEntry(name + "/", TarEntry.Kind.DIRECTORY, mode, 0, modified, ""), extras);
    } else if (status.isLink()) {
      String target = Files.readSymbolicLink(path).toString();
      tar.begin(new TarEntry(name, TarEntry.Kind.SYMBOLIC_LINK, mode, 0, modified, target), extras);
    } else if (status.isRegular()) {
      writeFile(path, new TarEntry(name, TarEntry.Kind.FILE, mode, status.size(), modified, ""));
    }
  }

  /// The same with owners and all mode bits.
  ///
  /// @param opaque as in [TarWriter.Extras]
  void writeOwned(Path path, FileStatus status, boolean opaque) throws IOException {
    extras = new TarWriter.Extras(status.uid(), status.gid(), opaque);
    modeBits = 07777;
    writeAlone(path, status);
  }

  /// Writes a further name of a file.
  void writeHardLink(Path path, FileStatus status, String first) throws IOException {
    long modified = status.modified().to(TimeUnit.SECONDS);
    tar.begin(
        new TarEntry(
            prefix + root.relativize(path),
            TarEntry.Kind.HARD_LINK,
            status.mode() & 07777,
            0,
            modified,
            first),
        new TarWriter.Extras(status.uid(), status.gid(), false));
  }

  private void writeFile(Path path, TarEntry entry) throws IOException {
    try (InputStream in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
      tar.begin(entry, extras);
      long left = entry.size();
      while (left > 0) {
        int count = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (count < 0) {
          throw new IOException("\"" + path + "\" became shorter while it was sent");
        }
        out.write(buffer, 0, count);
        left -= count;
      }
      tar.pad(entry.size());
    } catch (NoSuchFileException _) {
      // Vanished before its header was written.
    }
  }
}
