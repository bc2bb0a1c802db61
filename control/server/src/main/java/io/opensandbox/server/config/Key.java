package io.opensandbox.server.config;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// One key of a section.
///
/// @param name within its section
/// @param type of the value
/// @param defaultText the default as TOML, or `unset` or `required`
/// @param rule what is allowed, for people; empty when everything of the type is
/// @param description what it does
/// @param check says what is wrong with a value of the right type
record Key(
    String name,
    Type type,
    String defaultText,
    String rule,
    String description,
    Function<Object, Optional<String>> check) {
  static final String UNSET = "unset";
  static final String REQUIRED = "required";

  /// Type of a value after coercion.
  enum Type {
    STRING("string"),
    INTEGER("integer"),
    FLOAT("float"),
    BOOLEAN("boolean"),
    STRINGS("array of string"),
    TABLES("array of tables"),
    TABLE("table");

    final String words;

    Type(String words) {
      this.words = words;
    }
  }

  static Key of(Type type, String name, String defaultText, String description) {
    return new Key(name, type, defaultText, "", description, _ -> Optional.empty());
  }

  static Key string(String name, String defaultText, String description) {
    return of(Type.STRING, name, defaultText, description);
  }

  static Key bool(String name, String defaultText, String description) {
    return of(Type.BOOLEAN, name, defaultText, description);
  }

  static Key strings(String name, String defaultText, String description) {
    return of(Type.STRINGS, name, defaultText, description);
  }

  static Key integer(String name, String defaultText, long min, long max, String description) {
    String rule = max == Long.MAX_VALUE ? ">= " + min : min + " to " + max;
    return new Key(
        name,
        Type.INTEGER,
        defaultText,
        rule,
        description,
        value -> complain((Long) value >= min && (Long) value <= max, "must be " + rule));
  }

  static Key number(String name, String defaultText, boolean zeroAllowed, String description) {
    String rule = zeroAllowed ? ">= 0" : "> 0";
    return new Key(
        name,
        Type.FLOAT,
        defaultText,
        rule,
        description,
        value -> {
          double d = (Double) value;
          return complain(d > 0 || (zeroAllowed && d == 0), "must be " + rule);
        });
  }

  static Key choice(String name, String defaultText, List<String> allowed, String description) {
    String rule = String.join(" | ", allowed.stream().map(word -> "\"" + word + "\"").toList());
    return new Key(
        name,
        Type.STRING,
        defaultText,
        rule,
        description,
        value -> complain(allowed.contains((String) value), "must be one of " + rule));
  }

  /// This key, whose text needs at least `min` characters.
  Key atLeast(int min) {
    return checked(
        "at least " + min + (min == 1 ? " character" : " characters"),
        value -> ((String) value).length() >= min);
  }

  /// This key with a rule of its own.
  Key checked(String newRule, java.util.function.Predicate<Object> holds) {
    return new Key(
        name,
        type,
        defaultText,
        newRule,
        description,
        value -> complain(holds.test(value), "must be " + newRule));
  }

  boolean required() {
    return defaultText.equals(REQUIRED);
  }

  private static Optional<String> complain(boolean holds, String complaint) {
    return holds ? Optional.empty() : Optional.of(complaint);
  }
}
