package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Json;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// One line of the report.
///
/// @param name for example `run-true`
/// @param count operations tried
/// @param failures of these
/// @param values measured numbers by name; the name ends in its unit
record Result(String name, int count, int failures, Map<String, Double> values) {
  Result {
    values = new LinkedHashMap<>(values);
  }

  /// p50 and p99 of samples, in milliseconds; a percentile that failed is left out.
  static Result of(String name, Samples samples) {
    var values = new LinkedHashMap<String, Double>();
    put(values, "p50_ms", samples.percentile(50));
    put(values, "p99_ms", samples.percentile(99));
    return new Result(name, samples.count(), samples.failures(), values);
  }

  /// A single number.
  static Result of(String name, String unit, double value) {
    return new Result(name, 1, 0, Map.of(unit, value));
  }

  /// The same with one more number.
  Result with(String unit, double value) {
    var more = new LinkedHashMap<>(values);
    more.put(unit, value);
    return new Result(name, count, failures, more);
  }

  /// The difference of two results' percentiles.
  static Result difference(String name, Result more, Result less) {
    var values = new LinkedHashMap<String, Double>();
    more.values.forEach((unit, value) -> {
      var other = less.values.get(unit);
      if (other != null) {
        values.put(unit, value - other);
      }
    });
    return new Result(name, more.count, more.failures + less.failures, values);
  }

  /// One JSON object without a line end.
  String json() {
    var object = new LinkedHashMap<String, Object>();
    object.put("bench", name);
    object.put("count", count);
    object.put("failures", failures);
    values.forEach((unit, value) -> object.put(unit, Math.round(value * 1000) / 1000.0));
    return Json.write(object);
  }

  private static void put(Map<String, Double> values, String unit, Optional<Duration> time) {
    time.ifPresent(value -> values.put(unit, value.toNanos() / 1e6));
  }
}
