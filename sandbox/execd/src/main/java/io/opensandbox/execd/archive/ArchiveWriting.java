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
  private final OutputStream out;
  private final TarWriter tar;
  private final byte[] buffer = new byte[64 * 1024];

  private ArchiveWriting(Path root, OutputStream out) {
    this.root = root;
    this.out = out;
    this.tar = new TarWriter(out);
  }

  /// Writes a whole archive.
  static void write(Path root, OutputStream out) throws IOException {
    ArchiveWriting writing = new ArchiveWriting(root, out);
    writing.writeEntries(root);
    writing.tar.end();
  }

  private void writeEntries(Path directory) throws IOException {
    for (Path name : FileTree.sortedNames(directory)) {
      writeEntry(directory.resolve(name));
    }
  }

  private void writeEntry(Path path) throws IOException {
    FileStatus status;
    String link = "";
    try {
      status = FileStatus.ofLink(path);
      if (status.isLink()) {
        link = Files.readSymbolicLink(path).toString();
      }
    } catch (NoSuchFileException _) {
      return;
    }
    String name = root.relativize(path).toString();
    long modified = status.modified().to(TimeUnit.SECONDS);
    int mode = status.mode() & 0777;
    if (status.isDirectory()) {
      tar.begin(new TarEntry(name + "/", TarEntry.Kind.DIRECTORY, mode, 0, modified, ""));
      writeEntries(path);
    } else if (status.isLink()) {
      tar.begin(new TarEntry(name, TarEntry.Kind.SYMBOLIC_LINK, mode, 0, modified, link));
    } else if (status.isRegular()) {
      TarEntry entry = new TarEntry(name, TarEntry.Kind.FILE, mode, status.size(), modified, "");
      writeFile(path, entry);
    }
  }

  private void writeFile(Path path, TarEntry entry) throws IOException {
    try (InputStream in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
      tar.begin(entry);
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
