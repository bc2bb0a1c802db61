package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The paths below a session's directories, wherever their files really are. Links are resolved as
/// the session sees them; nothing outside can be named, also not through them.
///
/// @param mounts the first is what relative paths are resolved against
record WorkspaceView(List<Mounted> mounts, SessionFiles.Use use) implements PathView {
  private static final int MAX_LINKS = 40;

  WorkspaceView {
    mounts = List.copyOf(mounts);
  }

  @Override
  public Path expand(String text) {
    Path asked;
    try {
      asked = mounts.getFirst().path().resolve(Path.of(text));
    } catch (InvalidPathException e) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY, "the path cannot name a file: " + e.getReason(), e);
    }
    if (text.isEmpty() || hasDots(asked)) {
      throw outside(text);
    }
    mountOf(asked, text);
    Path path;
    try {
      path = resolved(asked, text);
    } catch (IOException e) {
      throw FileErrors.failed("error accessing file", asked, e);
    }
    Mounted mount = mountOf(path, text);
    if (use.writes() && mount.isReadOnly()) {
      throw new ExecdException(
          ErrorCode.FORBIDDEN, "\"" + mount.path() + "\" is read-only in this session");
    }
    return actual(mount, path);
  }

  private static Path actual(Mounted mount, Path path) {
    return mount.actual().resolve(mount.path().relativize(path)).normalize();
  }

  /// Follows links, also the last one if this view follows it. A link to outside leads to an error,
  /// whether anything is there or not.
  private Path resolved(Path asked, String text) throws IOException {
    Deque<Path> left = new ArrayDeque<>();
    push(left, asked);
    Path done = Path.of("/");
    for (int links = 0; !left.isEmpty(); ) {
      Path name = left.pop();
      if (name.toString().equals("..")) {
        Path parent = done.getParent();
        done = parent == null ? done : parent;
        continue;
      }
      Path next = done.resolve(name).normalize();
      Path target = left.isEmpty() && !use.follows() ? null : linkTarget(next);
      if (target == null) {
        done = next;
        continue;
      }
      if (++links > MAX_LINKS) {
        throw new IOException("Too many levels of symbolic links");
      }
      done = target.isAbsolute() ? Path.of("/") : done;
      push(left, target);
      requireReachable(done, left, text);
    }
    return done;
  }

  private static void push(Deque<Path> left, Path path) {
    List<Path> names = new ArrayList<>();
    path.forEach(names::addFirst);
    names.forEach(left::push);
  }

  /// Whatever is not below a directory of the session is not even looked at.
  private void requireReachable(Path done, Deque<Path> left, String text) {
    Path whole = done;
    for (Path name : left) {
      whole = whole.resolve(name);
    }
    mountOf(whole.normalize(), text);
  }

  private @Nullable Path linkTarget(Path path) throws IOException {
    for (Mounted mount : mounts) {
      if (path.equals(mount.path())) {
        return null;
      }
    }
    Mounted mount = innermost(path);
    if (mount == null) {
      return null; // on the way to a directory of the session
    }
    Path actual = actual(mount, path);
    return Files.isSymbolicLink(actual) ? Files.readSymbolicLink(actual) : null;
  }

  private Mounted mountOf(Path path, String text) {
    Mounted found = innermost(path);
    if (found == null) {
      throw outside(text);
    }
    return found;
  }

  /// The innermost mount that a path is in.
  private @Nullable Mounted innermost(Path path) {
    return mounts.stream()
        .filter(mount -> path.startsWith(mount.path()))
        .max(Comparator.comparingInt(mount -> mount.path().getNameCount()))
        .orElse(null);
  }

  private static boolean hasDots(Path path) {
    for (Path part : path) {
      if (part.toString().equals("..")) {
        return true;
      }
    }
    return false;
  }

  private ExecdException outside(String text) {
    return new ExecdException(
        ErrorCode.INVALID_REQUEST_BODY,
        "path \"%s\" is not below a directory of the session %s"
            .formatted(text, mounts.stream().map(Mounted::path).toList()));
  }

  @Override
  public String display(Path path) {
    return mounts.stream()
        .filter(mount -> path.startsWith(mount.actual()))
        .max(Comparator.comparingInt(mount -> mount.actual().getNameCount()))
        .map(mount -> mount.path().resolve(mount.actual().relativize(path)))
        .orElse(path)
        .toString();
  }
}
