package io.opensandbox.runtime.docker;

import io.opensandbox.runtime.docker.engine.Engine;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// Knows which images have `/bin/sh`; asked of the engine once per image.
final class ImageShells {
  private static final int MAX_KNOWN = 10_000;

  private final Engine engine;
  private final Map<String, Boolean> known = new ConcurrentHashMap<>();

  ImageShells(Engine engine) {
    this.engine = engine;
  }

  /// What is known without asking.
  Optional<Boolean> known(String imageId) {
    return Optional.ofNullable(known.get(imageId));
  }

  /// Whether the image has a shell.
  ///
  /// @param container one made from the image
  boolean find(String imageId, String container) {
    Boolean answer = known.get(imageId);
    if (answer == null) {
      answer = engine.stat(container, "/bin/sh").isPresent();
      if (known.size() >= MAX_KNOWN) {
        known.clear();
      }
      known.put(imageId, answer);
    }
    return answer;
  }
}
