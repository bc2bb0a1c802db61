package io.opensandbox.execd.file;

import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;

/// Names of temporaries. They begin with a dot and `.execd-`, so that people recognise what a
/// killed daemon may leave behind.
public final class TemporaryNames {
  private static final String PREFIX = ".execd-";
  private static final String SUFFIX = ".tmp";

  private TemporaryNames() {}

  /// An unused name in the directory of `path`.
  public static Path beside(Path path) {
    return path.resolveSibling(next());
  }

  /// An unused name in a directory.
  public static Path in(Path directory) {
    return directory.resolve(next());
  }

  /// Whether a path has such a name.
  static boolean isOne(Path path) {
    String name = String.valueOf(path.getFileName());
    return name.startsWith(PREFIX) && name.endsWith(SUFFIX);
  }

  private static String next() {
    return PREFIX + Long.toHexString(ThreadLocalRandom.current().nextLong()) + SUFFIX;
  }
}
