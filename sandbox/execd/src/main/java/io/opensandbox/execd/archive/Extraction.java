package io.opensandbox.execd.archive;

import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.file.Leftovers;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// Unpacks an archive below a directory. Each file is written to a temporary and renamed, so
/// existing files and links are replaced, never written through.
final class Extraction {
  private static final int MAX_DEPTH = 256;

  private final Path root;
  private final TarReader tar;
  private final Leftovers.Staging staging;
  private final byte[] buffer = new byte[64 * 1024];
  private long entries;
  private long bytes;

  /// What an upload brought.
  record Summary(long entries, long bytes) {}

  private Extraction(Path root, TarReader tar, Leftovers.Staging staging) {
    this.root = root;
    this.tar = tar;
    this.staging = staging;
  }

  /// Unpacks everything.
  ///
  /// @param root an existing directory
  /// @param staging names temporaries
  /// @throws TarException when the archive is malformed or would leave `root`; members before the
  ///   offending one stay
  static Summary extract(TarReader tar, Path root, Leftovers.Staging staging) throws IOException {
    Extraction extraction = new Extraction(root, tar, staging);
    for (Optional<TarEntry> entry = tar.next(); entry.isPresent(); entry = tar.next()) {
      extraction.extract(entry.get());
    }
    return new Summary(extraction.entries, extraction.bytes);
  }

  private void extract(TarEntry entry) throws IOException {
    Path path = inside(entry.name());
    if (path.equals(root)) {
      return;
    }
    makeParents(path);
    switch (entry.kind()) {
      case DIRECTORY -> makeDirectory(path, entry);
      case FILE -> writeFile(path, entry);
      case SYMBOLIC_LINK -> makeLink(path, entry);
      case HARD_LINK -> linkTo(path, inside(entry.linkTarget()));
      case WHITEOUT, OTHER ->
          throw new TarException("member \"" + entry.name() + "\" is no file, directory or link");
    }
    entries++;
  }

  /// The place of a member, by its name alone.
  private Path inside(String name) throws TarException {
    Path path = root;
    int depth = 0;
    if (name.startsWith("/") || name.indexOf('\0') >= 0) {
      throw new TarException("member \"" + name + "\" has an absolute or impossible name");
    }
    for (String part : name.split("/", -1)) {
      if (part.equals("..") || ++depth > MAX_DEPTH) {
        throw new TarException("member \"" + name + "\" leads out of the directory or too deep");
      }
      if (!part.isEmpty() && !part.equals(".")) {
        path = path.resolve(part);
      }
    }
    return path;
  }

  /// Makes the directories between root and path, and refuses to pass through a link.
  private void makeParents(Path path) throws IOException {
    Path relative = root.relativize(path);
    Path at = root;
    for (int i = 0; i < relative.getNameCount() - 1; i++) {
      at = at.resolve(relative.getName(i));
      if (Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
        continue;
      }
      if (Files.exists(at, LinkOption.NOFOLLOW_LINKS)) {
        throw new TarException("\"" + at + "\" is a link or a file, not a directory");
      }
      Files.createDirectory(at);
    }
  }

  private void makeDirectory(Path path, TarEntry entry) throws IOException {
    if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      Files.deleteIfExists(path);
      Files.createDirectory(path);
    }
    // Without the owner's rights the members of a directory could not be unpacked.
    Files.setAttribute(path, "unix:mode", entry.mode() | 0700);
  }

  private void writeFile(Path path, TarEntry entry) throws IOException {
    Path temporary = staging.onlyIn(path.resolveSibling(""));
    try {
      try (OutputStream out =
          Files.newOutputStream(
              temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        for (int count = tar.read(buffer); count >= 0; count = tar.read(buffer)) {
          out.write(buffer, 0, count);
          bytes += count;
        }
      }
      Files.setAttribute(temporary, "unix:mode", entry.mode());
      Files.setLastModifiedTime(
          temporary, FileTime.from(entry.modifiedSeconds(), TimeUnit.SECONDS));
      put(temporary, path);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void put(Path temporary, Path path) throws IOException {
    if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      FileTree.delete(path);
    }
    Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
  }

  /// A link may point anywhere; nothing is ever written through it.
  private void makeLink(Path path, TarEntry entry) throws IOException {
    if (entry.linkTarget().isEmpty() || entry.linkTarget().indexOf('\0') >= 0) {
      throw new TarException("member \"" + entry.name() + "\" is a link to nowhere");
    }
    Path temporary = staging.onlyIn(path.resolveSibling(""));
    Files.createSymbolicLink(temporary, Path.of(entry.linkTarget()));
    try {
      put(temporary, path);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private void linkTo(Path path, Path target) throws IOException {
    makeParents(target);
    if (!Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new TarException(
          "a hard link names \"" + target + "\", which is no file of the archive");
    }
    Path temporary = staging.onlyIn(path.resolveSibling(""));
    try {
      Files.createLink(temporary, target);
      put(temporary, path);
      Files.deleteIfExists(temporary);
    } catch (NoSuchFileException e) {
      throw new TarException("a hard link names a file that is gone", e);
    }
  }
}
