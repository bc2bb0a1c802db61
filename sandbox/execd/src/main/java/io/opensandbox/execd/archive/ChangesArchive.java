package io.opensandbox.execd.archive;

import io.opensandbox.execd.file.FileStatus;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/// Some entries of directories as tar.gz, and what is gone from them as overlayfs marks it: a
/// character device 0/0 of the same name.
public final class ChangesArchive {
  private static final int BUFFER_BYTES = 64 * 1024;

  private final List<Part> parts;

  /// What has changed in one directory.
  ///
  /// @param prefix before each name in the archive
  /// @param changed relative to `root`, parents before what they hold; each without what it holds
  /// @param removed relative to `root`
  public record Part(Path root, String prefix, List<Path> changed, List<Path> removed) {
    /// Copies the lists.
    public Part {
      changed = List.copyOf(changed);
      removed = List.copyOf(removed);
    }
  }

  /// An archive that is not written yet.
  public ChangesArchive(List<Part> parts) {
    this.parts = List.copyOf(parts);
  }

  /// Writes the archive; the stream stays open.
  public void write(OutputStream out) throws IOException {
    GZIPOutputStream compressed = new GZIPOutputStream(out, BUFFER_BYTES);
    TarWriter tar = new TarWriter(compressed);
    for (Part part : parts) {
      write(part, tar, compressed);
    }
    tar.end();
    compressed.finish();
  }

  private static void write(Part part, TarWriter tar, OutputStream out) throws IOException {
    ArchiveWriting writing = new ArchiveWriting(part.root, part.prefix, tar, out);
    for (Path path : part.changed) {
      FileStatus status = FileStatus.ofLink(part.root.resolve(path));
      writing.writeAlone(part.root.resolve(path), status);
    }
    for (Path path : part.removed) {
      tar.begin(new TarEntry(part.prefix + path, TarEntry.Kind.WHITEOUT, 0, 0, 0, ""));
    }
  }
}
