package io.opensandbox.e2e.wire;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// The end of patience of a wait for something that another process does and of which it sends no
/// event: ask, pause shortly, ask again.
public final class Deadline {
  private static final Duration PAUSE = Duration.ofMillis(5);

  private final long endNanos;
  private final Duration patience;

  private Deadline(Duration patience) {
    this.patience = patience;
    this.endNanos = System.nanoTime() + patience.toNanos();
  }

  /// A deadline `patience` from now.
  public static Deadline in(Duration patience) {
    return new Deadline(patience);
  }

  /// Pauses a moment before the next question; throws `IllegalStateException` with `reason` when
  /// the time is up.
  public void pauseOrFail(String reason) {
    if (System.nanoTime() >= endNanos) {
      throw new IllegalStateException(reason + " (waited " + patience.toMillis() + " ms)");
    }
    LockSupport.parkNanos(PAUSE.toNanos());
  }

  /// Waits until `condition` holds.
  public void await(BooleanSupplier condition, String reason) {
    while (!condition.getAsBoolean()) {
      pauseOrFail(reason);
    }
  }
}
