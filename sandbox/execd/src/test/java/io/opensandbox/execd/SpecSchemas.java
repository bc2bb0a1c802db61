package io.opensandbox.execd;

import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Holds JSON against the schemas of the specification, as far as it uses them. A member that a
/// schema does not describe is a fault, too. Notes which members it has seen.
final class SpecSchemas {
  private final Map<String, Object> spec;
  private final Set<String> seen = new TreeSet<>();

  SpecSchemas(Map<String, Object> spec) {
    this.spec = spec;
  }

  /// `Schema.member` for all that was checked so far.
  Set<String> seen() {
    return seen;
  }

  /// What is wrong with a value; empty for nothing.
  List<String> check(Object schema, JsonValue value) {
    List<String> faults = new ArrayList<>();
    check("$", map(schema), value, faults);
    return faults;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> map(@Nullable Object node) {
    return node instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
  }

  /// What a reference, if it is one, refers to.
  Map<String, Object> resolved(Object node) {
    Object reference = map(node).get("$ref");
    if (!(reference instanceof String text)) {
      return map(node);
    }
    Object at = spec;
    for (String step : text.substring(2).split("/", -1)) {
      at = map(at).getOrDefault(step, Map.of());
    }
    return map(at);
  }

  private void check(
      String path, Map<String, Object> schema, JsonValue value, List<String> faults) {
    Map<String, Object> meant = resolved(schema);
    String name =
        schema.get("$ref") instanceof String text ? text.substring(text.lastIndexOf('/') + 1) : "";
    if (!typeFits(meant.get("type"), value)) {
      faults.add(path + " is " + value.kind() + ", not " + meant.get("type"));
      return;
    }
    if (meant.get("enum") instanceof List<?> allowed
        && value instanceof JsonValue.Text(String text)
        && !allowed.contains(text)) {
      faults.add(path + " is \"" + text + "\", not one of " + allowed);
    }
    switch (value) {
      case JsonObject object -> checkObject(path, name, meant, object, faults);
      case JsonArray array -> {
        for (JsonValue item : array.values()) {
          check(path + "[]", map(meant.getOrDefault("items", Map.of())), item, faults);
        }
      }
      default -> {}
    }
  }

  private void checkObject(
      String path,
      String name,
      Map<String, Object> schema,
      JsonObject object,
      List<String> faults) {
    if (schema.get("required") instanceof List<?> required) {
      for (Object member : required) {
        if (!object.members().containsKey(String.valueOf(member))) {
          faults.add(path + " has no " + member);
        }
      }
    }
    Map<String, Object> properties = map(schema.get("properties"));
    object
        .members()
        .forEach((member, value) -> {
          seen.add(name + "." + member);
          Object property = properties.getOrDefault(member, schema.get("additionalProperties"));
          if (property != null) {
            check(path + "." + member, map(property), value, faults);
          } else if (!properties.isEmpty()) {
            faults.add(path + "." + member + " is not described");
          }
        });
  }

  private static boolean typeFits(@Nullable Object type, JsonValue value) {
    if (type instanceof List<?> types) {
      return types.stream().anyMatch(each -> typeFits(each, value));
    }
    return switch (value) {
      case JsonObject _ -> type == null || type.equals("object");
      case JsonArray _ -> type == null || type.equals("array");
      case JsonValue.Text _ -> type == null || type.equals("string");
      case JsonValue.Flag _ -> type == null || type.equals("boolean");
      case JsonValue.Null _ -> type == null || type.equals("null");
      case JsonValue.Numeral(String text) ->
          type == null
              || type.equals("number")
              || (type.equals("integer") && text.matches("-?\\d+"));
    };
  }
}
