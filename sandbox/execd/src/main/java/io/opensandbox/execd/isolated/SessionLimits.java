package io.opensandbox.execd.isolated;

import io.opensandbox.execd.process.RunningProcess;
import java.io.IOException;
import java.time.Duration;

/// Watches a run: its time and what its session has written.
final class SessionLimits {
  /// Why a run has failed whose session has written too much.
  static final String TOO_MUCH =
      "the session has written more than its overlays may hold; delete some of it";

  /// How often what was written is counted.
  private static final Duration PERIOD = Duration.ofSeconds(1);

  private SessionLimits() {}

  /// Waits until a process has ended, its time is up or its session has written too much.
  ///
  /// @return why it must not go on; empty when it has ended
  static String await(RunningProcess process, IsolatedSession session, Duration limit) {
    boolean counts = !session.overlays().isEmpty();
    Duration period = PERIOD;
    Duration left = limit;
    while (left.isPositive()) {
      Duration step = counts && left.compareTo(period) > 0 ? period : left;
      if (process.awaitExit(step)) {
        return "";
      }
      long start = System.nanoTime();
      if (counts && hasWrittenTooMuch(session)) {
        return TOO_MUCH;
      }
      Duration counting = Duration.ofNanos(System.nanoTime() - start);
      left = left.minus(step).minus(counting);
      // Many files take long to count: at most a twentieth of the time goes there.
      period = PERIOD.plus(counting.multipliedBy(20));
    }
    return "timeout after " + limit.toSeconds() + "s";
  }

  private static boolean hasWrittenTooMuch(IsolatedSession session) {
    try {
      return session.exceedsLimit(0);
    } catch (IOException _) {
      return false; // it is being removed, or somebody changes what is counted; the next time tells
    }
  }
}
