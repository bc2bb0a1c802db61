package io.opensandbox.execd.hibernate;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Decides when to leave.
public final class Hibernation {
  /// The shortest pause between two looks at a daemon that is busy or has open connections.
  private static final Duration MIN_PAUSE = Duration.ofMillis(100);

  private static final Duration MAX_PAUSE = Duration.ofSeconds(30);

  private final Activity activity;
  private final Duration after;
  private final CountDownLatch never = new CountDownLatch(1);

  /// @param after how long nothing must have happened; zero for never leaving
  public Hibernation(Activity activity, Duration after) {
    this.activity = activity;
    this.after = after;
  }

  /// Returns when the process is to end: everything is saved and no connection will be taken.
  public void await() throws InterruptedException {
    if (after.isZero()) {
      never.await();
    }
    while (!isTimeToLeave()) {
      pause(pauseLength());
    }
  }

  private boolean isTimeToLeave() {
    if (activity.idleTime().compareTo(after) < 0 || activity.isBusy() || !activity.retire()) {
      return false;
    }
    // A last request may have slipped in and begun something; now none can any more.
    if (!activity.isBusy() && activity.save()) {
      return true;
    }
    activity.resume();
    return false;
  }

  private Duration pauseLength() {
    Duration left = after.minus(activity.idleTime());
    if (left.compareTo(MIN_PAUSE) > 0) {
      return left;
    }
    // Idle for long enough, but busy or connected: look again after a fraction of the time.
    Duration fraction = after.dividedBy(10);
    Duration pause = fraction.compareTo(MIN_PAUSE) < 0 ? MIN_PAUSE : fraction;
    return pause.compareTo(MAX_PAUSE) > 0 ? MAX_PAUSE : pause;
  }

  private void pause(Duration length) throws InterruptedException {
    if (never.await(length.toNanos(), TimeUnit.NANOSECONDS)) {
      throw new IllegalStateException("the latch is never released");
    }
  }
}
