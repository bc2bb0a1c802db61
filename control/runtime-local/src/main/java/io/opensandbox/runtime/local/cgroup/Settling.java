package io.opensandbox.runtime.local.cgroup;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// Waits for the kernel to finish what was asked of it, where it offers no event to wait for: v1
/// freezers and the last breath of killed processes.
public final class Settling {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final long MAX_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private Settling() {}

  /// Asks `settled` again and again, first at once, then after short growing pauses.
  ///
  /// @return false when it did not settle within half a minute, which is time for processes that
  ///   wait for a busy disk, or the thread was interrupted
  public static boolean until(BooleanSupplier settled) {
    return within(LIMIT, settled);
  }

  /// The same with another limit.
  public static boolean within(Duration limit, BooleanSupplier settled) {
    long deadline = System.nanoTime() + limit.toNanos();
    long pause = TimeUnit.MICROSECONDS.toNanos(200);
    while (!settled.getAsBoolean()) {
      if (System.nanoTime() >= deadline || Thread.currentThread().isInterrupted()) {
        return false;
      }
      LockSupport.parkNanos(pause);
      pause = Math.min(pause * 2, MAX_PAUSE_NANOS);
    }
    return true;
  }
}
