package io.opensandbox.server.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Removes sandboxes when their time is over. One thread waits for the earliest expiry in the
/// store; nothing is kept per sandbox.
public final class Expiry implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Expiry.class);
  // The wall clock may jump, and another server may write an earlier expiry or die at its work.
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);

  private final SandboxStore store;
  private final SandboxLocks locks;
  private final Removal removal;
  private final InstantSource clock;
  private final ExecutorService threads;
  private final Semaphore pokes = new Semaphore(0);
  private volatile boolean closed;

  Expiry(SandboxParts parts, Removal removal, ExecutorService threads) {
    this.store = parts.store();
    this.locks = parts.locks();
    this.clock = parts.clock();
    this.removal = removal;
    this.threads = threads;
  }

  /// Waits and removes until closed.
  public void start() {
    threads.execute(this::loop);
  }

  @Override
  public void close() {
    closed = true;
    pokes.release();
  }

  /// Says that an expiry was set or changed.
  void poke() {
    pokes.release();
  }

  /// Begins to remove every sandbox whose time is over.
  void removeOverdue() {
    for (String id : store.overdue(clock.instant())) {
      threads.execute(() -> expire(id));
    }
  }

  /// Removes one sandbox, unless it was renewed or removed meanwhile.
  void expire(String id) {
    try {
      locks.unlessTaken(id, () -> store.find(id).filter(this::isOverdue).ifPresent(this::remove));
    } catch (RuntimeException e) {
      LOG.warn("sandbox {}: expired, cannot be removed, will retry: {}", id, e.getMessage());
    }
  }

  private boolean isOverdue(SandboxRow row) {
    boolean wanted =
        switch (row.intent()) {
          case CREATE, KEEP, KEEP_FAILED -> true;
          case FILL, WARM, REMOVE, FORGET -> false;
        };
    return wanted && row.expiresAt().map(at -> !at.isAfter(clock.instant())).orElse(false);
  }

  private void remove(SandboxRow row) {
    LOG.info("sandbox {}: expired; removing it", row.id());
    removal.remove(row);
  }

  private void loop() {
    while (waitForWork()) {
      try {
        removeOverdue();
      } catch (RuntimeException e) {
        LOG.warn("cannot look for expired sandboxes, will retry: {}", e.getMessage());
      }
    }
  }

  // Returns when something may have expired; false when closed.
  private boolean waitForWork() {
    try {
      boolean _ = pokes.tryAcquire(pause().toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return false;
    }
    pokes.drainPermits();
    return !closed;
  }

  private Duration pause() {
    try {
      Instant now = clock.instant();
      Optional<Instant> next = store.nextExpiry();
      Duration left = next.map(at -> Duration.between(now, at)).orElse(LONGEST_WAIT);
      // What is overdue already is being removed; wait a little before looking again.
      if (!left.isPositive()) {
        return Duration.ofMillis(100);
      }
      return left.compareTo(LONGEST_WAIT) < 0 ? left.plusMillis(1) : LONGEST_WAIT;
    } catch (RuntimeException e) {
      LOG.warn("cannot read the next expiry, will retry: {}", e.getMessage());
      return LONGEST_WAIT;
    }
  }
}
