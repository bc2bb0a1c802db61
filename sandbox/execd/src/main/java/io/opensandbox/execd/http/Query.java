package io.opensandbox.execd.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The parameters of a query string, decoded, in order; keys may repeat.
public final class Query {
  private final String raw;
  private final List<String> pairs;

  private Query(String raw, List<String> pairs) {
    this.raw = raw;
    this.pairs = pairs;
  }

  /// Parses a query without its `?`.
  ///
  /// @param raw characters that stand for bytes
  static Query parse(String raw) {
    if (raw.isEmpty()) {
      return new Query(raw, List.of());
    }
    List<String> pairs = new ArrayList<>();
    int start = 0;
    while (start <= raw.length()) {
      int end = raw.indexOf('&', start);
      end = end < 0 ? raw.length() : end;
      if (end > start) {
        int equals = raw.indexOf('=', start);
        int keyEnd = equals < 0 || equals > end ? end : equals;
        pairs.add(PercentCoding.decode(raw.substring(start, keyEnd), true));
        pairs.add(PercentCoding.decode(raw.substring(Math.min(keyEnd + 1, end), end), true));
      }
      start = end + 1;
    }
    return new Query(raw, pairs);
  }

  /// The query as it was sent, without the `?`; empty when there is none.
  public String raw() {
    return raw;
  }

  /// The first value of a key; an empty value is present.
  public Optional<String> first(String key) {
    for (int i = 0; i < pairs.size(); i += 2) {
      if (pairs.get(i).equals(key)) {
        return Optional.of(pairs.get(i + 1));
      }
    }
    return Optional.empty();
  }

  /// All values of a key, in order.
  public List<String> all(String key) {
    List<String> values = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i += 2) {
      if (pairs.get(i).equals(key)) {
        values.add(pairs.get(i + 1));
      }
    }
    return values;
  }

  /// Whether the key occurs.
  public boolean has(String key) {
    return first(key).isPresent();
  }
}
