package io.opensandbox.execd.isolated;

import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;

/// The paths below a session's directories, wherever their files really are. Nothing outside can be
/// named, also not through links.
///
/// @param mounts the first is what relative paths are resolved against
/// @param writing whether read-only directories are out of reach, too
record WorkspaceView(List<Mounted> mounts, boolean writing) implements PathView {
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
    Mounted mount = mountOf(asked, text);
    if (writing && mount.isReadOnly()) {
      throw new ExecdException(
          ErrorCode.FORBIDDEN, "\"" + mount.path() + "\" is read-only in this session");
    }
    Path path = mount.actual().resolve(mount.path().relativize(asked)).normalize();
    requireInside(mount.actual(), path, text);
    return path;
  }

  /// The innermost mount that a path is in.
  private Mounted mountOf(Path asked, String text) {
    Mounted found = null;
    for (Mounted mount : mounts) {
      if (asked.startsWith(mount.path())
          && (found == null || mount.path().getNameCount() > found.path().getNameCount())) {
        found = mount;
      }
    }
    if (found == null) {
      throw outside(text);
    }
    return found;
  }

  private static boolean hasDots(Path path) {
    for (Path part : path) {
      if (part.toString().equals("..")) {
        return true;
      }
    }
    return false;
  }

  /// Follows all links of the longest part of the path that exists.
  private void requireInside(Path root, Path path, String text) {
    for (Path at = path; at != null; at = at.getParent()) {
      if (!Files.exists(at, LinkOption.NOFOLLOW_LINKS)) {
        continue;
      }
      try {
        if (at.toRealPath().startsWith(root.toRealPath())) {
          return;
        }
      } catch (IOException _) { // a dangling link could be written through
      }
      throw outside(text);
    }
    throw outside(text);
  }

  private ExecdException outside(String text) {
    return new ExecdException(
        ErrorCode.INVALID_REQUEST_BODY,
        "path \"%s\" is not below a directory of the session %s"
            .formatted(text, mounts.stream().map(Mounted::path).toList()));
  }

  @Override
  public String display(Path path) {
    for (Mounted mount : mounts) {
      if (path.startsWith(mount.actual())) {
        return mount.path().resolve(mount.actual().relativize(path)).toString();
      }
    }
    return path.toString();
  }
}
