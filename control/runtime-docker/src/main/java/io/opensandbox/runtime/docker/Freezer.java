package io.opensandbox.runtime.docker;

import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;

/// Calls of the engine that freeze a container. On a loaded machine the engine gives up freezing
/// ("unable to freeze") and thaws what it froze; the next try usually succeeds.
final class Freezer {
  private static final int MAX_TRIES = 10;

  private final Engine engine;

  Freezer(Engine engine) {
    this.engine = engine;
  }

  /// Sends a request without a body.
  void post(String path) {
    for (int i = 1; ; i++) {
      try {
        engine.post(path);
        return;
      } catch (EngineException e) {
        if (i == MAX_TRIES || !e.text().contains("unable to freeze")) {
          throw e;
        }
      }
    }
  }
}
