package io.opensandbox.server.proxy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Connections to sandboxes that wait for their next request. Running exchanges are not counted or
/// limited; resting connections are, per address and altogether, and they are closed after a while.
final class UpstreamPool implements AutoCloseable {
  private static final int MAX_RESTING_PER_AUTHORITY = 64;
  private static final int MAX_RESTING = 1024;
  private static final Duration MAX_REST = Duration.ofSeconds(20);

  private final Duration connectTimeout;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /// By authority, the most recently used last. Guarded by `lock`, like the fields below.
  private final Map<String, Deque<Upstream>> resting = new HashMap<>();

  private int restingCount;
  private boolean closed;

  UpstreamPool(Duration connectTimeout) {
    this.connectTimeout = connectTimeout;
    Thread.ofVirtual().name("proxy-pool").start(this::expire);
  }

  /// A connection that rested for at most `maxRest` and is still open, else a new one.
  Upstream acquire(String authority, Duration maxRest) throws IOException {
    for (var found = poll(authority); found != null; found = poll(authority)) {
      if (found.idleFor(System.nanoTime()).compareTo(maxRest) <= 0 && found.isFresh()) {
        return found;
      }
      found.close();
    }
    return Upstream.connect(authority, connectTimeout);
  }

  /// Takes back a connection whose last response was read to its end.
  void release(Upstream upstream) {
    upstream.rest(System.nanoTime());
    lock.lock();
    try {
      var queue = resting.computeIfAbsent(upstream.authority(), _ -> new ArrayDeque<>());
      if (!closed && restingCount < MAX_RESTING && queue.size() < MAX_RESTING_PER_AUTHORITY) {
        queue.addLast(upstream);
        if (restingCount++ == 0) {
          changed.signal();
        }
        return;
      }
    } finally {
      lock.unlock();
    }
    upstream.close();
  }

  /// Closes what rests; what is in use belongs to its exchange.
  @Override
  public void close() {
    List<Upstream> ended = new ArrayList<>();
    lock.lock();
    try {
      closed = true;
      resting.values().forEach(ended::addAll);
      resting.clear();
      restingCount = 0;
      changed.signal();
    } finally {
      lock.unlock();
    }
    ended.forEach(Upstream::close);
  }

  private @Nullable Upstream poll(String authority) {
    lock.lock();
    try {
      var queue = resting.get(authority);
      if (queue == null || queue.isEmpty()) {
        return null;
      }
      restingCount--;
      return queue.removeLast();
    } finally {
      lock.unlock();
    }
  }

  /// Closes connections as their rest ends, until the pool is closed.
  private void expire() {
    while (true) {
      List<Upstream> ended = new ArrayList<>();
      lock.lock();
      try {
        while (!closed && restingCount == 0) {
          changed.awaitUninterruptibly();
        }
        if (closed) {
          return;
        }
        long nextNanos = takeExpired(System.nanoTime(), ended);
        if (ended.isEmpty() && changed.awaitNanos(nextNanos) <= 0) {
          takeExpired(System.nanoTime(), ended);
        }
      } catch (InterruptedException _) {
        return; // nobody interrupts it but the end of the process
      } finally {
        lock.unlock();
      }
      ended.forEach(Upstream::close);
    }
  }

  /// Moves what has rested long enough to `ended`; tells how long the next one still may.
  private long takeExpired(long nowNanos, List<Upstream> ended) {
    long nextNanos = MAX_REST.toNanos();
    for (Iterator<Deque<Upstream>> queues = resting.values().iterator(); queues.hasNext(); ) {
      var queue = queues.next();
      while (!queue.isEmpty()) {
        long leftNanos = MAX_REST.minus(queue.getFirst().idleFor(nowNanos)).toNanos();
        if (leftNanos > 0) {
          nextNanos = Math.min(nextNanos, leftNanos);
          break;
        }
        ended.add(queue.removeFirst());
        restingCount--;
      }
      if (queue.isEmpty()) {
        queues.remove();
      }
    }
    return Math.max(nextNanos, TimeUnit.MILLISECONDS.toNanos(1));
  }
}
