package io.opensandbox.execd.code;

import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonValue;
import io.opensandbox.execd.json.JsonWriter;
import java.util.LinkedHashMap;
import java.util.Map;

/// A kernel's MIME bundle as the `results` of an event: every value a string, because the Go client
/// takes nothing else; plain text under both names that clients look for.
final class ResultBundle {
  private static final String PLAIN = "text/plain";
  private static final String TEXT = "text";

  private ResultBundle() {}

  static Map<String, String> of(JsonObject bundle) {
    Map<String, String> results = new LinkedHashMap<>();
    bundle
        .members()
        .forEach((type, value) -> {
          String text = text(value);
          if (type.equals(PLAIN)) {
            results.put(TEXT, text);
          }
          results.put(type, text);
        });
    return results;
  }

  private static String text(JsonValue value) {
    return switch (value) {
      case JsonValue.Text text -> text.value();
      case JsonValue other -> new JsonWriter().value(other).toString();
    };
  }
}
