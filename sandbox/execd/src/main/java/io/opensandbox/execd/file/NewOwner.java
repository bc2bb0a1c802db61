package io.opensandbox.execd.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/// Whose new files and directories are.
///
/// @param user user id, or [Permissions#UNCHANGED] for execd's
/// @param group group id, or [Permissions#UNCHANGED] for execd's
public record NewOwner(long user, long group) {
  /// They are execd's.
  public static final NewOwner NOBODY = new NewOwner(Permissions.UNCHANGED, Permissions.UNCHANGED);

  /// What a request wants, with this owner where it names none.
  Permissions complete(Permissions wanted) {
    return new Permissions(
        wanted.mode(),
        wanted.owner() == Permissions.UNCHANGED ? user : wanted.owner(),
        wanted.group() == Permissions.UNCHANGED ? group : wanted.group());
  }

  /// Makes a directory with all its parents, each of which belongs to this owner.
  ///
  /// @return whether it was not there before
  public boolean createDirectories(Path directory) throws IOException {
    Deque<Path> missing = new ArrayDeque<>();
    for (Path at = directory; at != null && !Files.isDirectory(at); at = at.getParent()) {
      missing.push(at);
    }
    Files.createDirectories(directory);
    Permissions owners = complete(new Permissions(0, Permissions.UNCHANGED, Permissions.UNCHANGED));
    for (Path made : missing) {
      owners.apply(made);
    }
    return !missing.isEmpty();
  }
}
