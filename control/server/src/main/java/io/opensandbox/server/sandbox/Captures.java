package io.opensandbox.server.sandbox;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// The sandboxes that are being captured, so that one is not removed under a snapshot that its
/// client was promised.
public final class Captures {
  private static final Duration PAUSE = Duration.ofMillis(100);

  private final SnapshotImages snapshots;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();
  // Guarded by `lock`.
  private final Map<String, Integer> running = new HashMap<>();

  /// @param snapshots knows what other servers capture
  Captures(SnapshotImages snapshots) {
    this.snapshots = snapshots;
  }

  /// A capture of a sandbox begins.
  public void begin(String sandboxId) {
    lock.lock();
    try {
      running.merge(sandboxId, 1, Integer::sum);
    } finally {
      lock.unlock();
    }
  }

  /// A capture of a sandbox is over.
  public void end(String sandboxId) {
    lock.lock();
    try {
      running.computeIfPresent(sandboxId, (_, count) -> count > 1 ? count - 1 : null);
      ended.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /// Waits until nothing captures the sandbox, at most `limit`.
  void awaitNone(String sandboxId, Duration limit) {
    long nanos = limit.toNanos();
    lock.lock();
    try {
      while (running.containsKey(sandboxId) && nanos > 0) {
        nanos = ended.awaitNanos(nanos);
      }
      // Another server's capture ends without a signal here.
      while (nanos > 0 && snapshots.isBeingCaptured(sandboxId)) {
        nanos -= PAUSE.toNanos() - Math.max(0, ended.awaitNanos(PAUSE.toNanos()));
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }
}
