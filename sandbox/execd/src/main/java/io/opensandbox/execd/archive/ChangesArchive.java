package io.opensandbox.execd.archive;

import io.opensandbox.execd.file.FileStatus;
import io.opensandbox.execd.file.HardLinks;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;

/// Some entries of directories as tar.gz, with what is gone from them, as the upper layer of an
/// overlayfs mount has it: what is gone is a character device 0/0 of the same name, and a directory
/// that replaces another has the attribute `trusted.overlay.opaque` (a pax record of GNU tar and
/// others). Several names of one file are hard links.
public final class ChangesArchive {
  private static final int BUFFER_BYTES = 64 * 1024;

  private final List<Part> parts;

  /// One change; its path is relative to the directory.
  public sealed interface Change {
    /// The path.
    Path path();

    /// An entry, without what it holds.
    ///
    /// @param replaces whether it is a directory of which nothing shows that was there before
    record Present(Path path, boolean replaces) implements Change {}

    /// There is nothing any more.
    record Gone(Path path) implements Change {}
  }

  /// What has changed in one directory.
  ///
  /// @param root where entries are read
  /// @param prefix before each name in the archive
  /// @param changes parents before what they hold
  public record Part(Path root, String prefix, List<Change> changes) {
    /// Copies the list.
    public Part {
      changes = List.copyOf(changes);
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
    var names = new HardLinks.Names();
    for (Change change : part.changes) {
      switch (change) {
        case Change.Present(Path path, boolean replaces) ->
            write(part, path, replaces, writing, names);
        case Change.Gone(Path path) ->
            tar.begin(new TarEntry(part.prefix + path, TarEntry.Kind.WHITEOUT, 0, 0, 0, ""));
      }
    }
  }

  private static void write(
      Part part, Path path, boolean replaces, ArchiveWriting writing, HardLinks.Names names)
      throws IOException {
    Path file = part.root.resolve(path);
    try {
      FileStatus status = FileStatus.ofLink(file);
      Optional<Path> first = names.firstOf(file, path);
      if (first.isPresent()) {
        writing.writeHardLink(file, status, part.prefix + first.get());
      } else {
        writing.writeOwned(file, status, replaces);
      }
    } catch (NoSuchFileException _) {
      return; // a background run has removed it meanwhile
    }
  }
}
