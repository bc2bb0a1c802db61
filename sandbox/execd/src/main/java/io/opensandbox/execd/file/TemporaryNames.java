package io.opensandbox.execd.file;

import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;

/// Names of temporaries. They begin with a dot and `.execd-`, so that people recognise what a
/// killed daemon may leave behind.
public final class TemporaryNames {
  private TemporaryNames() {}

  /// An unused name in the directory of `path`.
  public static Path beside(Path path) {
    return path.resolveSibling(next());
  }

  /// An unused name in a directory.
  public static Path in(Path directory) {
    return directory.resolve(next());
  }

  private static String next() {
    return ".execd-" + Long.toHexString(ThreadLocalRandom.current().nextLong()) + ".tmp";
  }
}
