package io.opensandbox.execd.telemetry;

import java.util.Arrays;

/// The distribution of a duration. For one thread at a time.
final class Histogram {
  /// OpenTelemetry's default bounds, in milliseconds.
  private static final double[] BOUNDS = {
    0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000
  };

  private final long[] counts = new long[BOUNDS.length + 1];
  private long count;
  private double sum;
  private double min = Double.MAX_VALUE;
  private double max;

  /// One moment's numbers.
  ///
  /// @param counts one more than there are bounds
  @SuppressWarnings("ArrayRecordComponent") // never compared; made for one message
  record Reading(double[] bounds, long[] counts, long count, double sum, double min, double max) {}

  void record(double value) {
    int bucket = 0;
    while (bucket < BOUNDS.length && value > BOUNDS[bucket]) {
      bucket++;
    }
    counts[bucket]++;
    count++;
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }

  Reading read() {
    return new Reading(BOUNDS, counts.clone(), count, sum, count == 0 ? 0 : min, max);
  }

  /// Begins anew.
  void reset() {
    Arrays.fill(counts, 0);
    count = 0;
    sum = 0;
    min = Double.MAX_VALUE;
    max = 0;
  }
}
