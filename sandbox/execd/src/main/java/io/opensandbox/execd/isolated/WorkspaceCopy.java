package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileStatus;
import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.file.TemporaryNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// A session's private copy of its workspace.
///
/// What the session changed is told apart by the inodes' change times, which programs cannot set:
/// all that was touched since the copy was made has a later one. What others change in the
/// workspace meanwhile is thus neither a difference nor undone by a commit.
final class WorkspaceCopy implements Overlay {
  private final Path original;
  private final Path copy;
  private FileTime madeAt;

  private WorkspaceCopy(Path original, Path copy, FileTime madeAt) {
    this.original = original;
    this.copy = copy;
    this.madeAt = madeAt;
  }

  /// Copies a workspace.
  ///
  /// @param copy must not exist
  static WorkspaceCopy make(Path original, Path copy) throws IOException {
    FileTree.copy(original, copy);
    return new WorkspaceCopy(original, copy, laterThan(copy));
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

  /// @param isNew whether the directory was not in the workspace: what was moved with it is not
  ///   younger than the copy
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
        compare(path, touched && !Comparison.isDirectory(original.resolve(path)), found);
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
  }
}
