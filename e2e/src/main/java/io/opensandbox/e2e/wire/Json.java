package io.opensandbox.e2e.wire;

import io.avaje.json.mapper.JsonMapper;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A JSON value that was read, with access by member name.
///
/// @param value a map, list, text, number, boolean or null
public record Json(@Nullable Object value) {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  /// Reads one JSON value; throws when `text` is not exactly one.
  public static Json parse(String text) {
    return new Json(MAPPER.fromJson(text));
  }

  /// The JSON text of maps, lists, texts, numbers and booleans.
  public static String write(Object value) {
    return MAPPER.toJson(value);
  }

  /// The member `name`; throws when this is no object or has no such member.
  public Json at(String name) {
    if (!has(name)) {
      throw new NoSuchElementException("no member \"" + name + "\" in " + this);
    }
    return new Json(members().get(name));
  }

  /// Whether this is an object with a member `name`, be it null.
  public boolean has(String name) {
    return value instanceof Map<?, ?> map && map.containsKey(name);
  }

  /// The text of the member `name`, or empty when it is absent or null.
  public Optional<String> find(String name) {
    return has(name)
        ? Optional.ofNullable(members().get(name)).map(Object::toString)
        : Optional.empty();
  }

  /// The text of the member `name`; throws when it is absent or no text.
  public String text(String name) {
    return (String) Objects.requireNonNull(at(name).value, name);
  }

  /// The number of the member `name`; throws when it is absent or no number.
  public long number(String name) {
    return ((Number) Objects.requireNonNull(at(name).value, name)).longValue();
  }

  /// The number of the member `name` with its fraction; throws when it is absent or no number.
  public double decimal(String name) {
    return ((Number) Objects.requireNonNull(at(name).value, name)).doubleValue();
  }

  /// The elements of a list; throws when this is none.
  public List<Json> items() {
    return ((List<?>) Objects.requireNonNull(value)).stream().<Json>map(Json::new).toList();
  }

  /// The members of an object; throws when this is none.
  @SuppressWarnings("unchecked")
  public Map<String, @Nullable Object> members() {
    return (Map<String, @Nullable Object>) Objects.requireNonNull(value);
  }

  @Override
  public String toString() {
    return value == null ? "null" : MAPPER.toJson(value);
  }
}
