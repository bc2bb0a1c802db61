package io.opensandbox.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Times of one kind of operation. A failed operation counts as one that never ended, so that
/// failures push the percentiles up instead of vanishing. Safe for many threads.
final class Samples {
  private final List<Duration> times = new ArrayList<>();
  private int failures;

  /// Times `work`; what it throws is counted and its message kept by the caller's log.
  void measure(Runnable work) {
    var start = System.nanoTime();
    try {
      work.run();
    } catch (RuntimeException e) {
      fail();
      System.err.println("bench: " + e.getMessage());
      return;
    }
    add(Duration.ofNanos(System.nanoTime() - start));
  }

  synchronized void add(Duration time) {
    times.add(time);
  }

  synchronized void fail() {
    failures++;
  }

  synchronized int count() {
    return times.size() + failures;
  }

  synchronized int failures() {
    return failures;
  }

  /// The smallest time such that at least `percent` per cent of all operations took no longer;
  /// empty when that one failed or there is none.
  ///
  /// @param percent more than 0, at most 100
  synchronized Optional<Duration> percentile(double percent) {
    int rank = (int) Math.ceil(percent / 100 * count());
    if (rank == 0 || rank > times.size()) {
      return Optional.empty();
    }
    return Optional.of(times.stream().sorted().toList().get(rank - 1));
  }
}
