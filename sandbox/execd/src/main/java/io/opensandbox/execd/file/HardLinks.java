package io.opensandbox.execd.file;

import java.io.IOException;
import java.nio.file.CopyOption;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Copies files such that several names of one file become several names of one copy. For one
/// thread; remembers each file that has more than one name.
public final class HardLinks {
  private static final String ATTRIBUTES = "unix:nlink,dev,ino";

  private final Map<Inode, Path> copies = new HashMap<>();

  /// The first names under which files with several names were met. For one thread.
  public static final class Names {
    private final Map<Inode, Path> first = new HashMap<>();

    /// The name that a file was met under before; empty the first time, and for files with only one
    /// name.
    ///
    /// @param name by which this one is to be known
    public Optional<Path> firstOf(Path file, Path name) throws IOException {
      Optional<Inode> inode = severalNames(file);
      return inode.map(known -> first.putIfAbsent(known, name));
    }
  }

  private record Inode(long device, long number) {}

  /// Copies a file, or links to the copy that another name of it has got. An old file at `to` makes
  /// way for a link; otherwise the options decide.
  public void copy(Path from, Path to, CopyOption... options) throws IOException {
    Optional<Inode> inode = severalNames(from);
    Path first = inode.map(copies::get).orElse(null);
    if (first != null) {
      Files.deleteIfExists(to);
      Files.createLink(to, first);
      return;
    }
    Files.copy(from, to, options);
    inode.ifPresent(known -> copies.put(known, to));
  }

  /// Tells of a copy that is there already.
  ///
  /// @param copy what further names of `original` are linked to
  public void know(Path original, Path copy) throws IOException {
    severalNames(original).ifPresent(inode -> copies.putIfAbsent(inode, copy));
  }

  /// Whether a path is one of several names of a regular file.
  public static boolean isOne(Path path) throws IOException {
    return severalNames(path).isPresent();
  }

  private static Optional<Inode> severalNames(Path path) throws IOException {
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    Map<String, Object> values = Files.readAttributes(path, ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
    if (number(values, "nlink") < 2) {
      return Optional.empty();
    }
    return Optional.of(new Inode(number(values, "dev"), number(values, "ino")));
  }

  private static long number(Map<String, Object> values, String name) throws IOException {
    if (values.get(name) instanceof Number number) {
      return number.longValue();
    }
    throw new IOException("the file system does not tell \"" + name + "\"");
  }
}
