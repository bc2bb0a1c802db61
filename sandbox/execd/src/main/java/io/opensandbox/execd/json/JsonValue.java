package io.opensandbox.execd.json;

/// One parsed JSON value.
public sealed interface JsonValue
    permits JsonValue.Null,
        JsonValue.Flag,
        JsonValue.Numeral,
        JsonValue.Text,
        JsonArray,
        JsonObject {

  /// What the value is called in an error message: `object`, `array`, `string`, ...
  String kind();

  /// `null`, which a request body may use for any member and which means absent.
  record Null() implements JsonValue {
    /// The only value of this type that is needed.
    public static final Null NULL = new Null();

    @Override
    public String kind() {
      return "null";
    }
  }

  /// `true` or `false`.
  record Flag(boolean value) implements JsonValue {
    @Override
    public String kind() {
      return "boolean";
    }
  }

  /// A number, kept as it was written.
  ///
  /// @param text a number of JSON's grammar
  record Numeral(String text) implements JsonValue {
    @Override
    public String kind() {
      return "number";
    }
  }

  /// A string.
  record Text(String value) implements JsonValue {
    @Override
    public String kind() {
      return "string";
    }
  }
}
