package io.opensandbox.execd.telemetry;

import java.util.Map;
import java.util.TreeMap;

/// What tells the data points of one metric apart.
///
/// @param texts by name
/// @param numbers by name
record Attributes(Map<String, String> texts, Map<String, Long> numbers) {
  static final Attributes NONE = new Attributes(Map.of(), Map.of());

  Attributes {
    texts = Map.copyOf(texts);
    numbers = Map.copyOf(numbers);
  }

  static Attributes of(String name, String value) {
    return new Attributes(Map.of(name, value), Map.of());
  }

  static Attributes of(String name, String value, String other, String otherValue) {
    return new Attributes(Map.of(name, value, other, otherValue), Map.of());
  }

  /// These and more texts, in the order of their names.
  Map<String, String> textsWith(Map<String, String> more) {
    Map<String, String> all = new TreeMap<>(more);
    all.putAll(texts);
    return all;
  }
}
