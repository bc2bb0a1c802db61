package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Execd;
import java.time.Duration;

/// Commands that benchmarks run.
final class Commands {
  static final Duration PATIENCE = Duration.ofMinutes(1);

  private Commands() {}

  /// Runs `true` and checks that it ended well.
  static void runTrue(Execd execd) {
    var code = execd.run("true").exitCode();
    if (code != 0) {
      throw new IllegalStateException("true ended with " + code);
    }
  }
}
