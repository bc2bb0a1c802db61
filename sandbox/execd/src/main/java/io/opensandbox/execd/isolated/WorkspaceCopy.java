package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileStatus;
import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.file.TemporaryNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// A session's private copy of its workspace.
///
/// What the session changed is told apart by the inodes' change times, which programs cannot set:
/// all that was touched since the copy was made has a later one. What was moved with its directory
/// has not, but the directory is at a path where another inode, or none, was before. What others
/// change in the workspace meanwhile is thus neither a difference nor undone by a commit.
final class WorkspaceCopy implements Overlay {
  private final Path original;
  private final Path copy;
  private FileTime madeAt;

  /// The inodes of the copy's directories when it was made.
  private Map<Path, Long> directories;

  private WorkspaceCopy(Path original, Path copy, FileTime madeAt, Map<Path, Long> directories) {
    this.original = original;
    this.copy = copy;
    this.madeAt = madeAt;
    this.directories = directories;
  }

  /// Copies a workspace.
  ///
  /// @param copy must not exist
  static WorkspaceCopy make(Path original, Path copy) throws IOException {
    FileTree.copy(original, copy);
    return new WorkspaceCopy(original, copy, laterThan(copy), directoriesOf(copy));
  }

  private static Map<Path, Long> directoriesOf(Path copy) throws IOException {
    Map<Path, Long> directories = new HashMap<>();
    note(copy, Path.of(""), directories);
    return directories;
  }

  private static void note(Path copy, Path at, Map<Path, Long> directories) throws IOException {
    for (Path name : Comparison.names(copy.resolve(at))) {
      Path path = at.resolve(name);
      if (Comparison.isDirectory(copy.resolve(path))) {
        directories.put(path, inode(copy.resolve(path)));
        note(copy, path, directories);
      }
    }
  }

  private static long inode(Path directory) throws IOException {
    return (long) Files.getAttribute(directory, "unix:ino", LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public Path path() {
    return copy;
  }

  @Override
  public Path changes() {
    return copy;
  }

  /// A copy is limited when it is made.
  @Override
  public boolean exceeds(long moreBytes) {
    return false;
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

  @Override
  public List<Difference> differences() throws IOException {
    List<Difference> differences = new ArrayList<>();
    compare(Path.of(""), false, differences);
    return differences;
  }

  /// @param isNew whether the directory was not there: what was moved with it is not younger than
  ///   the copy
  private void compare(Path at, boolean isNew, List<Difference> found) throws IOException {
    Set<Path> names = new TreeSet<>(Comparison.names(original.resolve(at)));
    names.addAll(Comparison.names(copy.resolve(at)));
    for (Path name : names) {
      Path path = at.resolve(name);
      Path after = copy.resolve(path);
      if (!Comparison.exists(after)) {
        if (isOlder(original.resolve(path))) {
          found.add(new Difference.Removed(path));
        }
        continue;
      }
      boolean touched = isNew || !isOlder(after);
      if (touched && !Comparison.isSame(original.resolve(path), after)) {
        found.add(new Difference.Changed(path, false));
      }
      if (Comparison.isDirectory(after)) {
        Long before = directories.get(path);
        compare(path, before == null || before != inode(after), found);
      }
    }
  }

  private boolean isOlder(Path path) throws IOException {
    return FileStatus.ofLink(path).changed().compareTo(madeAt) < 0;
  }

  @Override
  public void commit() throws IOException {
    List<Difference> differences = differences();
    Comparison.bringBack(differences, copy, original);
    madeAt = laterThan(copy);
    directories = directoriesOf(copy);
  }
}
