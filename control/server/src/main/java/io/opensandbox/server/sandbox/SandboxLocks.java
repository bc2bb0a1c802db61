package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.store.Leases;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/// One lock for each sandbox, so that what is done to it is done one after the other: by a lock in
/// this process and a lease on its row among the servers that share the store.
final class SandboxLocks {
  // Under the 30 s after which clients give up.
  private static final Duration PATIENCE = Duration.ofSeconds(25);

  private final Leases leases;
  // Guarded by itself.
  private final Map<String, Entry> entries = new HashMap<>();

  private static final class Entry {
    private final ReentrantLock lock = new ReentrantLock(true);
    private int users;
  }

  SandboxLocks(Leases leases) {
    this.leases = leases;
  }

  /// Runs `work` while nobody else holds the lock of `id`. Waits for others, at most 25 seconds for
  /// another server. A sandbox without a row needs no lease.
  <T> T with(String id, Supplier<T> work) {
    return withLocal(
        id,
        () -> {
          await(id);
          return leased(id, work);
        });
  }

  /// Runs `work` like [#with], unless another server holds the lock of `id` now.
  ///
  /// @return whether it was run
  boolean unlessTaken(String id, Runnable work) {
    return withLocal(
        id,
        () -> {
          if (leases.take(id) == Leases.Outcome.BUSY) {
            return false;
          }
          return leased(
              id,
              () -> {
                work.run();
                return true;
              });
        });
  }

  private <T> T leased(String id, Supplier<T> work) {
    try {
      return work.get();
    } finally {
      leases.release(id);
    }
  }

  private void await(String id) {
    try {
      if (leases.take(id, PATIENCE) == Leases.Outcome.BUSY) {
        throw new SandboxException(
            ErrorCode.OVER_CAPACITY,
            "another server is working on sandbox \"" + id + "\"; try again");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SandboxException(ErrorCode.OVER_CAPACITY, "interrupted: the server is stopping", e);
    }
  }

  private <T> T withLocal(String id, Supplier<T> work) {
    Entry entry;
    synchronized (entries) {
      entry = entries.computeIfAbsent(id, _ -> new Entry());
      entry.users++;
    }
    entry.lock.lock();
    try {
      return work.get();
    } finally {
      entry.lock.unlock();
      synchronized (entries) {
        entry.users--;
        if (entry.users == 0) {
          entries.remove(id);
        }
      }
    }
  }
}
