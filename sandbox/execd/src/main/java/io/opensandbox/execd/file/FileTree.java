package io.opensandbox.execd.file;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.util.ArrayList;
import java.util.List;

/// Whole trees: removal and copying. Links are never followed.
public final class FileTree {
  private FileTree() {}

  /// Removes a file, link or directory with everything in it. Missing is fine. Works relative to
  /// open directories, so a directory that is swapped for a link meanwhile leads nowhere else.
  public static void delete(Path path) throws IOException {
    Path name = path.getFileName();
    Path parent = path.getParent();
    if (name == null || parent == null) {
      throw new IOException("the root directory is not removed");
    }
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(parent)) {
      if (stream instanceof SecureDirectoryStream<Path> directory) {
        deleteIn(directory, name);
        return;
      }
    } catch (NoSuchFileException | NotDirectoryException _) {
      return;
    }
    throw new IOException("this system cannot remove trees safely");
  }

  private static void deleteIn(SecureDirectoryStream<Path> directory, Path name)
      throws IOException {
    try {
      if (!isDirectory(directory, name)) {
        directory.deleteFile(name);
        return;
      }
      try (SecureDirectoryStream<Path> inner =
          directory.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS)) {
        for (Path entry : inner) {
          deleteIn(inner, entry.getFileName());
        }
      }
      directory.deleteDirectory(name);
    } catch (NoSuchFileException _) {
      // Somebody else removed it first.
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  private static boolean isDirectory(SecureDirectoryStream<Path> directory, Path name)
      throws IOException {
    return directory
        .getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .readAttributes()
        .isDirectory();
  }

  /// Copies a tree with modes, owners (as far as allowed), times and the hard links within it. `to`
  /// must not exist.
  public static void copy(Path from, Path to) throws IOException {
    copy(from, to, new HardLinks());
  }

  private static void copy(Path from, Path to, HardLinks links) throws IOException {
    links.copy(from, to, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
    if (!Files.isDirectory(from, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    for (Path name : sortedNames(from)) {
      copy(from.resolve(name), to.resolve(name), links);
    }
    // The entries have moved the directory's times on.
    Files.setLastModifiedTime(to, Files.getLastModifiedTime(from));
  }

  /// The names in a directory, ordered by their bytes.
  public static List<Path> sortedNames(Path directory) throws IOException {
    List<Path> names = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      for (Path entry : stream) {
        names.add(entry.getFileName());
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    names.sort(null);
    return names;
  }
}
