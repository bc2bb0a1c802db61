package io.opensandbox.runtime.docker.image;

import java.util.Locale;

/// One spelling for each processor architecture (docker-runtime contract, section 5).
public final class Platforms {
  private Platforms() {}

  /// `amd64` and `arm64` for all their aliases; anything else in lower case.
  public static String arch(String text) {
    String lower = text.strip().toLowerCase(Locale.ROOT);
    return switch (lower) {
      case "x86_64", "x86-64" -> "amd64";
      case "aarch64", "arm64/v8", "arm64v8" -> "arm64";
      default -> lower;
    };
  }
}
