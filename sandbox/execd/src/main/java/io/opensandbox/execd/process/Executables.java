package io.opensandbox.execd.process;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/// Finds commands the way execvp(3) does.
public final class Executables {
  private Executables() {}

  /// The file that `name` means: itself when it has a `/`, else the first executable regular file
  /// of that name in the folders of `path` (an empty entry is the current folder).
  ///
  /// @param path the value of `PATH`; folders separated by `:`
  public static Optional<String> find(String name, String path) {
    if (name.indexOf('/') >= 0) {
      return Optional.of(name);
    }
    if (name.isEmpty() || name.indexOf('\0') >= 0) {
      return Optional.empty();
    }
    int from = 0;
    while (from <= path.length()) {
      int colon = path.indexOf(':', from);
      int to = colon < 0 ? path.length() : colon;
      String folder = from == to ? "." : path.substring(from, to);
      if (isExecutable(folder + "/" + name)) {
        return Optional.of(folder + "/" + name);
      }
      from = to + 1;
    }
    return Optional.empty();
  }

  private static boolean isExecutable(String file) {
    try {
      Path path = Path.of(file);
      return Files.isExecutable(path) && Files.isRegularFile(path);
    } catch (InvalidPathException _) { // a folder of PATH with a NUL or an unmappable name
      return false;
    }
  }
}
