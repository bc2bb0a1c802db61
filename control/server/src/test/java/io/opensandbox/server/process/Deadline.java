package io.opensandbox.server.process;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/// The end of patience of a wait for another process, which sends no event.
final class Deadline {
  private static final Duration PAUSE = Duration.ofMillis(20);

  private final long endNanos;

  private Deadline(Duration patience) {
    this.endNanos = System.nanoTime() + patience.toNanos();
  }

  static Deadline in(Duration patience) {
    return new Deadline(patience);
  }

  /// Waits a minute at most.
  static void await(Supplier<String> what, BooleanSupplier condition) {
    Deadline deadline = in(Duration.ofSeconds(60));
    while (!condition.getAsBoolean()) {
      deadline.pauseOrFail(what);
    }
  }

  /// Pauses a moment; throws when the time is up.
  void pauseOrFail(Supplier<String> what) {
    if (System.nanoTime() - endNanos >= 0) {
      throw new AssertionError("waited in vain: " + what.get());
    }
    LockSupport.parkNanos(PAUSE.toNanos());
  }
}
