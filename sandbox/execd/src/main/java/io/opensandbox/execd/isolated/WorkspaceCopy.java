package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileStatus;
import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.file.HardLinks;
import io.opensandbox.execd.file.TemporaryNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// A session's private copy of its workspace.
///
/// What the session changed is told apart by the inodes' change times, which programs cannot set:
/// all that was touched since the copy was made has a later one. What others change in the
/// workspace meanwhile is thus neither a difference nor undone by a commit.
final class WorkspaceCopy {
  private final Path original;
  private final Path copy;
  private FileTime madeAt;

  private WorkspaceCopy(Path original, Path copy, FileTime madeAt) {
    this.original = original;
    this.copy = copy;
    this.madeAt = madeAt;
  }

  /// One difference; its path is relative to the workspace.
  sealed interface Difference {
    /// The path that differs.
    Path path();

    /// There is something new or different.
    record Changed(Path path) implements Difference {}

    /// What was there is gone.
    record Removed(Path path) implements Difference {}
  }

  /// Copies a workspace.
  ///
  /// @param copy must not exist
  static WorkspaceCopy make(Path original, Path copy) throws IOException {
    FileTree.copy(original, copy);
    return new WorkspaceCopy(original, copy, laterThan(copy));
  }

  /// Where the copy is.
  Path path() {
    return copy;
  }

  /// A moment of the file system's clock that is later than everything in the copy. That clock
  /// moves in steps of some milliseconds, so one step is waited for.
  private static FileTime laterThan(Path tree) throws IOException {
    FileTime before = touch(tree);
    FileTime now = before;
    while (now.compareTo(before) <= 0) {
      now = touch(tree);
    }
    return now;
  }

  private static FileTime touch(Path tree) throws IOException {
    Path marker = Files.createFile(TemporaryNames.beside(tree));
    try {
      return FileStatus.ofLink(marker).changed();
    } finally {
      Files.delete(marker);
    }
  }

  /// What the session changed, parents before what they hold.
  List<Difference> differences() throws IOException {
    List<Difference> differences = new ArrayList<>();
    compare(Path.of(""), differences);
    return differences;
  }

  private void compare(Path at, List<Difference> found) throws IOException {
    Set<Path> names = new TreeSet<>(names(original.resolve(at)));
    names.addAll(names(copy.resolve(at)));
    for (Path name : names) {
      Path path = at.resolve(name);
      Path after = copy.resolve(path);
      if (!Files.exists(after, LinkOption.NOFOLLOW_LINKS)) {
        if (isOlder(original.resolve(path))) {
          found.add(new Difference.Removed(path));
        }
        continue;
      }
      if (!isOlder(after) && !isSame(original.resolve(path), after)) {
        found.add(new Difference.Changed(path));
      }
      if (Files.isDirectory(after, LinkOption.NOFOLLOW_LINKS)) {
        compare(path, found);
      }
    }
  }

  private boolean isOlder(Path path) throws IOException {
    return FileStatus.ofLink(path).changed().compareTo(madeAt) < 0;
  }

  private static List<Path> names(Path directory) throws IOException {
    return Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
        ? FileTree.sortedNames(directory)
        : List.of();
  }

  private static boolean isSame(Path before, Path after) throws IOException {
    if (!Files.exists(before, LinkOption.NOFOLLOW_LINKS)) {
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
    return !now.isRegular() || Files.mismatch(before, after) < 0;
  }

  /// Brings all differences to the workspace. Afterwards there are none.
  void commit() throws IOException {
    List<Difference> differences = differences();
    HardLinks links = unchangedLinks(differences);
    for (Difference difference : differences) {
      Path target = original.resolve(difference.path());
      switch (difference) {
        case Difference.Removed _ -> FileTree.delete(target);
        case Difference.Changed(Path path) -> bringBack(copy.resolve(path), target, links);
      }
    }
    madeAt = laterThan(copy);
  }

  /// The files of the workspace to which new names in the copy are to be linked: those of several
  /// names whose content is still the same. Looked for only when something that changed has
  /// several.
  private HardLinks unchangedLinks(List<Difference> differences) throws IOException {
    var links = new HardLinks();
    Set<Path> changed = new HashSet<>();
    boolean needed = false;
    for (Difference difference : differences) {
      if (difference instanceof Difference.Changed(Path path)) {
        changed.add(path);
        needed |= HardLinks.isOne(copy.resolve(path));
      }
    }
    if (needed) {
      knowUnchanged(Path.of(""), changed, links);
    }
    return links;
  }

  private void knowUnchanged(Path at, Set<Path> changed, HardLinks links) throws IOException {
    for (Path name : names(copy.resolve(at))) {
      Path path = at.resolve(name);
      Path source = copy.resolve(path);
      if (Files.isDirectory(source, LinkOption.NOFOLLOW_LINKS)) {
        knowUnchanged(path, changed, links);
      } else if (!changed.contains(path)
          && HardLinks.isOne(source)
          && isSame(original.resolve(path), source)) {
        links.know(source, original.resolve(path));
      }
    }
  }

  private static void bringBack(Path source, Path target, HardLinks links) throws IOException {
    boolean directory = Files.isDirectory(source, LinkOption.NOFOLLOW_LINKS);
    boolean wasDirectory = Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS);
    if (directory && wasDirectory) {
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
  }

  /// The bytes in a tree; counting stops beyond a limit.
  static long size(Path tree, long limit) throws IOException {
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
  }
}
