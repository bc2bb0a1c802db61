package io.opensandbox.execd.json;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// A parsed JSON object, read the way request bodies are read: a member is found by its exact name,
/// else by its name in another case; `null` is the same as absent; a value of another type or out
/// of range is refused with [ErrorCode#INVALID_REQUEST_BODY]. Members keep their order; of two with
/// the same name the last counts.
///
/// @param members by name, values never Java null
public record JsonObject(Map<String, JsonValue> members) implements JsonValue {
  /// The object without members.
  public static final JsonObject EMPTY = new JsonObject(Map.of());

  private static final long MAX_UNSIGNED_INT = 0xffff_ffffL;

  /// Copies the members.
  public JsonObject {
    members = Collections.unmodifiableMap(new LinkedHashMap<>(members));
  }

  @Override
  public String kind() {
    return "object";
  }

  /// The member, or null when it is absent or `null`.
  public @Nullable JsonValue find(String name) {
    JsonValue value = members.get(name);
    if (value == null) {
      value = findInOtherCase(name);
    }
    return value instanceof Null ? null : value;
  }

  /// A string member.
  public Optional<String> string(String name) {
    return member(name, Text.class, "string").map(Text::value);
  }

  /// A string member; empty when absent.
  public String stringOrEmpty(String name) {
    return string(name).orElse("");
  }

  /// A boolean member; false when absent.
  public boolean flag(String name) {
    return flag(name, false);
  }

  /// A boolean member.
  public boolean flag(String name, boolean absent) {
    return member(name, Flag.class, "boolean").map(Flag::value).orElse(absent);
  }

  /// An integer member of 64 bits; a fraction, an exponent or a larger number is refused.
  public OptionalLong integer(String name) {
    Optional<Numeral> number = member(name, Numeral.class, "integer");
    return number.isEmpty()
        ? OptionalLong.empty()
        : OptionalLong.of(parseLong(name, number.get().text()));
  }

  /// An integer member between two bounds, both allowed.
  public OptionalLong integer(String name, long min, long max) {
    OptionalLong value = integer(name);
    if (value.isPresent() && (value.getAsLong() < min || value.getAsLong() > max)) {
      throw invalid(
          "field \"%s\" must be between %d and %d, not %d"
              .formatted(name, min, max, value.getAsLong()));
    }
    return value;
  }

  /// A user or group id: 0 to 2^32 - 1. The value is returned as the int with the same 32 bits.
  public OptionalInt unsignedInt(String name) {
    OptionalLong value = integer(name, 0, MAX_UNSIGNED_INT);
    return value.isPresent() ? OptionalInt.of((int) value.getAsLong()) : OptionalInt.empty();
  }

  /// An object member.
  public Optional<JsonObject> object(String name) {
    return member(name, JsonObject.class, "object");
  }

  /// An array member.
  public Optional<JsonArray> array(String name) {
    return member(name, JsonArray.class, "array");
  }

  /// A member that maps names to strings, in its order; empty when absent. A `null` inside counts
  /// as the empty string, as Go decodes it.
  public Map<String, String> stringMap(String name) {
    Optional<JsonObject> object = object(name);
    if (object.isEmpty()) {
      return Map.of();
    }
    Map<String, String> strings = new LinkedHashMap<>();
    object
        .get()
        .members()
        .forEach((key, value) ->
            strings.put(
                key,
                switch (value) {
                  case Text text -> text.value();
                  case Null _ -> "";
                  default -> throw wrongType(name + "." + key, "string", value);
                }));
    return strings;
  }

  /// The member, or empty when it is absent. A pattern switch would be compiled anew in each start
  /// of the daemon, a millisecond each; so the path of a first command has none.
  private <T extends JsonValue> Optional<T> member(String name, Class<T> type, String expected) {
    JsonValue value = find(name);
    if (value != null && !type.isInstance(value)) {
      throw wrongType(name, expected, value);
    }
    return Optional.ofNullable(value).map(type::cast);
  }

  private @Nullable JsonValue findInOtherCase(String name) {
    JsonValue found = null;
    for (Map.Entry<String, JsonValue> member : members.entrySet()) {
      if (member.getKey().equalsIgnoreCase(name)) {
        found = member.getValue();
      }
    }
    return found;
  }

  private static long parseLong(String name, String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY,
          "field \"" + name + "\" must be an integer of 64 bits, not " + text,
          e);
    }
  }

  /// The error for a member of the wrong type.
  public static ExecdException wrongType(String name, String expected, JsonValue found) {
    return invalid(
        "field \"%s\" must be of type %s, not %s".formatted(name, expected, found.kind()));
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message);
  }
}
