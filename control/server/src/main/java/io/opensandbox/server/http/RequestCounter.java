package io.opensandbox.server.http;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/// Counts requests by method and status, for `/metrics`.
public final class RequestCounter {
  private final Map<Series, Totals> totals = new ConcurrentHashMap<>();

  /// What is counted apart.
  ///
  /// @param method of HTTP; ones that HTTP does not know count as `OTHER`
  /// @param status of HTTP
  public record Series(String method, int status) implements Comparable<Series> {
    @Override
    public int compareTo(Series other) {
      int byMethod = method.compareTo(other.method);
      return byMethod != 0 ? byMethod : Integer.compare(status, other.status);
    }
  }

  /// Sums of one series.
  public static final class Totals {
    private final LongAdder requests = new LongAdder();
    private final LongAdder micros = new LongAdder();

    /// Number of requests.
    public long requests() {
      return requests.sum();
    }

    /// Time they took together, in microseconds.
    public long micros() {
      return micros.sum();
    }
  }

  void count(String method, int status, long micros) {
    String known =
        switch (method) {
          case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS" -> method;
          default -> "OTHER";
        };
    Totals series = totals.computeIfAbsent(new Series(known, status), _ -> new Totals());
    series.requests.increment();
    series.micros.add(micros);
  }

  /// Everything counted so far, sorted.
  public Map<Series, Totals> snapshot() {
    return new TreeMap<>(totals);
  }
}
