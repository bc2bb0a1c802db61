package io.opensandbox.server.json;

import java.math.BigDecimal;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A JSON value.
public sealed interface Json {
  /// What people call this kind of value, with article: `a string`.
  default String kind() {
    return switch (this) {
      case Obj _ -> "an object";
      case Arr _ -> "an array";
      case Str _ -> "a string";
      case Num _ -> "a number";
      case Bool _ -> "a boolean";
      case Null _ -> "null";
    };
  }

  /// An object; members keep their order, the last of two equal names wins.
  record Obj(Map<String, Json> members) implements Json {
    /// Copies the members.
    public Obj {
      members = Collections.unmodifiableMap(new LinkedHashMap<>(members));
    }

    /// The member of that name; null when it is absent or JSON `null`.
    public @Nullable Json member(String name) {
      Json value = members.get(name);
      return value instanceof Null ? null : value;
    }
  }

  /// An array.
  record Arr(List<Json> items) implements Json {
    /// Copies the items.
    public Arr {
      items = List.copyOf(items);
    }
  }

  /// A string.
  record Str(String value) implements Json {}

  /// A number, exact.
  record Num(BigDecimal value) implements Json {}

  /// `true` or `false`.
  record Bool(boolean value) implements Json {}

  /// `null`.
  record Null() implements Json {}
}
