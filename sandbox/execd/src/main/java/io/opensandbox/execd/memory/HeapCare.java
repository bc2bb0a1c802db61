package io.opensandbox.execd.memory;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Collects garbage when the heap has grown by a few megabytes since it last did, or when nobody
/// has asked for anything for a moment after some work. The JVM's flags make each such collection
/// return what is free to the system.
public final class HeapCare {
  private static final Duration PERIOD = Duration.ofSeconds(1);

  /// A collection takes some ten milliseconds; this much garbage comes from thousands of commands.
  private static final long MAX_GROWTH_BYTES = 4 << 20;

  /// Less than this is not worth a collection.
  private static final long MIN_GROWTH_BYTES = 1 << 20;

  private final Heap heap;
  private final Supplier<Duration> idleTime;
  private final CountDownLatch never = new CountDownLatch(1);
  private long after;

  /// What is cared for.
  interface Heap {
    /// Bytes taken by objects, garbage included.
    long usedBytes();

    /// Removes all garbage.
    void collect();
  }

  HeapCare(Heap heap, Supplier<Duration> idleTime) {
    this.heap = heap;
    this.idleTime = idleTime;
    this.after = heap.usedBytes();
  }

  /// Of this JVM's heap.
  ///
  /// @param idleTime how long nobody has asked for anything
  public static HeapCare ofThisJvm(Supplier<Duration> idleTime) {
    Runtime runtime = Runtime.getRuntime();
    return new HeapCare(
        new Heap() {
          @Override
          public long usedBytes() {
            return runtime.totalMemory() - runtime.freeMemory();
          }

          @Override
          public void collect() {
            runtime.gc();
          }
        },
        idleTime);
  }

  /// Begins, on a thread of its own that ends with the JVM.
  public void start() {
    Thread.ofVirtual().name("heap-care").start(this::run);
  }

  private void run() {
    try {
      while (!never.await(PERIOD.toNanos(), TimeUnit.NANOSECONDS)) {
        look();
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /// Collects if it is time to.
  void look() {
    long growth = heap.usedBytes() - after;
    boolean idle = idleTime.get().compareTo(PERIOD) >= 0;
    if (growth > MAX_GROWTH_BYTES || (idle && growth > MIN_GROWTH_BYTES)) {
      heap.collect();
      after = heap.usedBytes();
    }
  }
}
