package io.opensandbox.execd.isolated;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Who execd runs as.
final class OwnIdentity {
  private OwnIdentity() {}

  static boolean isRoot() {
    return uid() == 0;
  }

  static long uid() {
    return number("unix:uid");
  }

  private static long number(String attribute) {
    try {
      return ((Number) Files.getAttribute(Path.of("/proc/self"), attribute)).longValue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
