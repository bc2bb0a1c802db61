package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileStatus;
import io.opensandbox.execd.file.FileTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The upper layer of an overlayfs mount over a workspace (kernel: `filesystems/overlayfs`),
/// mounted by `execd overlay` with the option `userxattr`.
///
/// The kernel marks what is gone with a character device 0/0, and a directory that shows nothing of
/// the one below it with the attribute `user.overlay.opaque`. The differences are read from the
/// layer itself, so the mount need not be there.
final class WorkspaceLayer implements Overlay {
  private static final String OPAQUE = "overlay.opaque";
  private static final int TYPE_BITS = 0170000;
  private static final int CHARACTER_DEVICE = 0020000;

  private final Path original;
  private final Path mounted;
  private final Path changes;
  private final long maxBytes;

  /// @param original the workspace
  /// @param mounted the folder that `execd overlay` was given, as it is reached where the view is
  /// @param stored the same, as it is reached where the changes are
  /// @param maxBytes of changes
  WorkspaceLayer(Path original, Path mounted, Path stored, long maxBytes) {
    this.original = original;
    this.mounted = mounted;
    this.changes = stored.resolve("store/upper");
    this.maxBytes = maxBytes;
  }

  /// Where `execd overlay` mounts the view in a folder.
  static Path merged(Path folder) {
    return folder.resolve("merged");
  }

  /// Removes a layer and all in it; the mount is gone already.
  static void delete(Path folder) throws IOException {
    // The kernel leaves a directory there that nobody may look into.
    Path work = folder.resolve("store/work/work");
    if (Comparison.isDirectory(work)) {
      Files.setAttribute(work, "unix:mode", 0700);
    }
    FileTree.delete(folder);
  }

  @Override
  public Path path() {
    return merged(mounted);
  }

  @Override
  public Path changes() {
    return changes;
  }

  @Override
  public boolean exceeds(long moreBytes) throws IOException {
    return Comparison.size(changes, maxBytes) > maxBytes - moreBytes;
  }

  @Override
  public List<Difference> differences() throws IOException {
    List<Difference> differences = new ArrayList<>();
    compare(Path.of(""), differences);
    return differences;
  }

  private void compare(Path at, List<Difference> found) throws IOException {
    for (Path name : FileTree.sortedNames(changes.resolve(at))) {
      Path path = at.resolve(name);
      Path now = changes.resolve(path);
      FileStatus status = FileStatus.ofLink(now);
      if (isWhiteout(now, status)) {
        if (Comparison.exists(original.resolve(path))) {
          found.add(new Difference.Removed(path));
        }
        continue;
      }
      List<Difference> hidden = status.isDirectory() ? hidden(path, now) : List.of();
      if (!hidden.isEmpty() || !Comparison.isSame(original.resolve(path), now)) {
        found.add(new Difference.Changed(path, !hidden.isEmpty()));
      }
      found.addAll(hidden);
      if (status.isDirectory()) {
        compare(path, found);
      }
    }
  }

  private static boolean isWhiteout(Path path, FileStatus status) throws IOException {
    return (status.mode() & TYPE_BITS) == CHARACTER_DEVICE
        && ((Number) Files.getAttribute(path, "unix:rdev", LinkOption.NOFOLLOW_LINKS)).longValue()
            == 0;
  }

  /// What an opaque directory hides.
  private List<Difference> hidden(Path path, Path now) throws IOException {
    if (!Comparison.hasAttribute(now, OPAQUE, "y")) {
      return List.of();
    }
    List<Difference> hidden = new ArrayList<>();
    for (Path name : Comparison.names(original.resolve(path))) {
      if (!Comparison.exists(now.resolve(name))) {
        hidden.add(new Difference.Removed(path.resolve(name)));
      }
    }
    return hidden;
  }

  @Override
  public void commit() throws IOException {
    List<Difference> differences = differences();
    Comparison.bringBack(differences, changes, original);
  }
}
