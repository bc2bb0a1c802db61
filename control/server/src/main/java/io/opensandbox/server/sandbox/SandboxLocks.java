package io.opensandbox.server.sandbox;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/// One lock for each sandbox, so that what is done to it in this process is done one after the
/// other.
final class SandboxLocks {
  // Guarded by itself.
  private final Map<String, Entry> entries = new HashMap<>();

  private static final class Entry {
    private final ReentrantLock lock = new ReentrantLock(true);
    private int users;
  }

  /// Runs `work` while nobody else holds the lock of `id`.
  <T> T with(String id, Supplier<T> work) {
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
