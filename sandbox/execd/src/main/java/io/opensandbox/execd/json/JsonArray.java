package io.opensandbox.execd.json;

import java.util.List;

/// A parsed JSON array.
public record JsonArray(List<JsonValue> values) implements JsonValue {
  /// Copies the values.
  public JsonArray {
    values = List.copyOf(values);
  }

  @Override
  public String kind() {
    return "array";
  }
}
