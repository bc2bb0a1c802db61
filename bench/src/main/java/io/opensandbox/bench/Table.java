package io.opensandbox.bench;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// Results for people.
final class Table {
  private Table() {}

  static void print(List<Result> results, PrintStream out) {
    out.printf("%-26s %8s %8s   %s%n", "benchmark", "count", "failed", "measured");
    for (var result : results) {
      var values =
          result.values().entrySet().stream()
              .map(value -> describe(value.getKey(), value.getValue()))
              .collect(Collectors.joining("   "));
      out.printf("%-26s %8d %8d   %s%n", result.name(), result.count(), result.failures(), values);
    }
  }

  private static String describe(String unit, double value) {
    return String.format(Locale.ROOT, "%s %.2f", unit, value);
  }
}
