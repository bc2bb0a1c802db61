package io.opensandbox.server.store;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Renews this server's leases and looks for what others left, several times in the length of a
/// lease.
public final class Heartbeat implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);
  private static final int BEATS_PER_LEASE = 3;
  // What a dead server left, or another was told to delete, is noticed at a beat.
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

  private final Duration pause;
  private final List<Runnable> beats;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread thread = Thread.ofVirtual().name("heartbeat").unstarted(this::run);

  /// @param lease whose third is the longest time between two beats
  /// @param beats what is done at each, in this order; one that fails does not stop the others
  public Heartbeat(Duration lease, List<Runnable> beats) {
    Duration third = lease.dividedBy(BEATS_PER_LEASE);
    this.pause = third.compareTo(LONGEST_PAUSE) < 0 ? third : LONGEST_PAUSE;
    this.beats = List.copyOf(beats);
  }

  /// Begins to beat.
  public void start() {
    thread.start();
  }

  private void run() {
    try {
      while (!closed.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
        beats.forEach(Heartbeat::beat);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private static void beat(Runnable beat) {
    try {
      beat.run();
    } catch (RuntimeException e) {
      LOG.warn("the store cannot be reached, will retry: {}", e.getMessage());
    }
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
