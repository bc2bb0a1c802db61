package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileStatus;
import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.file.HardLinks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What overlays of all kinds do with files of both sides.
final class Comparison {
  /// Attributes in which overlayfs keeps what it must know.
  private static final String OVERLAYFS = "overlay.";

  private Comparison() {}

  static boolean exists(Path path) {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }

  static boolean isDirectory(Path path) {
    return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
  }

  /// The names in a directory in order; none when it is no directory.
  static List<Path> names(Path directory) throws IOException {
    return isDirectory(directory) ? FileTree.sortedNames(directory) : List.of();
  }

  /// Whether two files have the same content, mode, owners and attributes.
  static boolean isSame(Path before, Path after) throws IOException {
    if (!exists(before)) {
      return false;
    }
    FileStatus old = FileStatus.ofLink(before);
    FileStatus now = FileStatus.ofLink(after);
    if (old.mode() != now.mode() || old.uid() != now.uid() || old.gid() != now.gid()) {
      return false;
    }
    if (now.isLink()) {
      return Files.readSymbolicLink(before).equals(Files.readSymbolicLink(after));
    }
    if (!now.isRegular()) {
      return true;
    }
    return old.modified().equals(now.modified())
        && Files.mismatch(before, after) < 0
        && attributes(before).equals(attributes(after));
  }

  private static Map<String, ByteBuffer> attributes(Path path) throws IOException {
    Map<String, ByteBuffer> attributes = new TreeMap<>();
    UserDefinedFileAttributeView view = userAttributes(path);
    if (view != null) {
      for (String name : list(view)) {
        if (!name.startsWith(OVERLAYFS)) {
          attributes.put(name, read(view, name));
        }
      }
    }
    return attributes;
  }

  private static @Nullable UserDefinedFileAttributeView userAttributes(Path path) {
    return Files.getFileAttributeView(
        path, UserDefinedFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
  }

  /// Not all file systems have attributes; those that have none say so in many ways.
  private static List<String> list(UserDefinedFileAttributeView view) throws IOException {
    try {
      return view.list();
    } catch (NoSuchFileException e) {
      throw e;
    } catch (IOException _) {
      return List.of();
    }
  }

  private static ByteBuffer read(UserDefinedFileAttributeView view, String name)
      throws IOException {
    ByteBuffer value = ByteBuffer.allocate(view.size(name));
    view.read(name, value);
    return value.flip();
  }

  /// Whether an attribute of a directory has a value.
  static boolean hasAttribute(Path path, String name, String... values) throws IOException {
    UserDefinedFileAttributeView view = userAttributes(path);
    if (view == null || !list(view).contains(name)) {
      return false;
    }
    byte[] value = read(view, name).array();
    return Arrays.stream(values)
        .anyMatch(each -> Arrays.equals(each.getBytes(StandardCharsets.UTF_8), value));
  }

  /// Makes what is below `to` what it is below `from`, where they differ.
  static void bringBack(List<Overlay.Difference> differences, Path from, Path to)
      throws IOException {
    HardLinks links = unchangedLinks(differences, from, to);
    for (Overlay.Difference difference : differences) {
      Path target = to.resolve(difference.path());
      switch (difference) {
        case Overlay.Difference.Removed _ -> FileTree.delete(target);
        case Overlay.Difference.Changed(Path path, _) ->
            bringBack(from.resolve(path), target, links);
      }
    }
  }

  /// The files below `to` to which new names below `from` are to be linked: those of several names
  /// whose content is still the same, for a file that gets one more name is a copy there. Looked
  /// for only when something that changed has several.
  private static HardLinks unchangedLinks(List<Overlay.Difference> differences, Path from, Path to)
      throws IOException {
    var links = new HardLinks();
    Set<Path> changed = new HashSet<>();
    boolean needed = false;
    for (Overlay.Difference difference : differences) {
      if (difference instanceof Overlay.Difference.Changed(Path path, _)) {
        changed.add(path);
        needed |= HardLinks.isOne(from.resolve(path));
      }
    }
    if (needed) {
      knowUnchanged(Path.of(""), changed, from, to, links);
    }
    return links;
  }

  private static void knowUnchanged(Path at, Set<Path> changed, Path from, Path to, HardLinks links)
      throws IOException {
    for (Path name : names(from.resolve(at))) {
      Path path = at.resolve(name);
      Path source = from.resolve(path);
      if (isDirectory(source)) {
        knowUnchanged(path, changed, from, to, links);
      } else if (!changed.contains(path)
          && HardLinks.isOne(source)
          && isSame(to.resolve(path), source)) {
        links.know(source, to.resolve(path));
      }
    }
  }

  /// Makes the file at `target` what the one at `source` is: content, mode, owners, times and
  /// attributes. A directory comes without what it holds, and keeps what is there.
  private static void bringBack(Path source, Path target, HardLinks links) throws IOException {
    boolean wasDirectory = isDirectory(target);
    if (wasDirectory && isDirectory(source)) {
      FileStatus status = FileStatus.ofLink(source);
      Files.setAttribute(target, "unix:uid", (int) status.uid());
      Files.setAttribute(target, "unix:gid", (int) status.gid());
      Files.setAttribute(target, "unix:mode", status.mode() & 07777);
      return;
    }
    if (wasDirectory) {
      FileTree.delete(target);
    }
    links.copy(
        source,
        target,
        StandardCopyOption.COPY_ATTRIBUTES,
        StandardCopyOption.REPLACE_EXISTING,
        LinkOption.NOFOLLOW_LINKS);
    removeMarks(target);
  }

  private static void removeMarks(Path target) throws IOException {
    if (Files.isSymbolicLink(target)) {
      return; // they cannot have any
    }
    UserDefinedFileAttributeView view = userAttributes(target);
    if (view != null) {
      for (String name : list(view)) {
        if (name.startsWith(OVERLAYFS)) {
          view.delete(name);
        }
      }
    }
  }

  /// The bytes in a tree; counting stops beyond a limit. What vanishes meanwhile does not count.
  static long size(Path tree, long limit) throws IOException {
    try {
      FileStatus status = FileStatus.ofLink(tree);
      long size = status.size();
      if (status.isDirectory()) {
        for (Path name : FileTree.sortedNames(tree)) {
          if (size > limit) {
            return size;
          }
          size += size(tree.resolve(name), limit - size);
        }
      }
      return size;
    } catch (NoSuchFileException _) {
      return 0;
    }
  }
}
