package io.opensandbox.server.docs;

import io.opensandbox.server.json.Json;
import java.math.BigDecimal;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Checks a value against a schema, as far as our document goes in JSON Schema 2020-12. A keyword
/// it does not know is a fault of the schema, so that no rule of the document goes unchecked.
final class SchemaCheck {
  private static final Set<String> KEYWORDS =
      Set.of(
          "$ref",
          "type",
          "properties",
          "required",
          "additionalProperties",
          "items",
          "minItems",
          "enum",
          "const",
          "pattern",
          "minLength",
          "maxLength",
          "minimum",
          "maximum",
          "format",
          "description",
          "examples",
          "default");

  private final Spec spec;
  private final List<String> problems = new ArrayList<>();

  private SchemaCheck(Spec spec) {
    this.spec = spec;
  }

  /// What is wrong with `value`, each with its place; empty when nothing is.
  static List<String> problems(Spec spec, Map<String, Object> schema, Json value) {
    var check = new SchemaCheck(spec);
    check.check("$", schema, value);
    return check.problems;
  }

  private void check(String at, Map<String, Object> reference, Json value) {
    var schema = spec.resolve(reference);
    if (!KEYWORDS.containsAll(schema.keySet())) {
      problems.add(at + ": the schema has an unknown keyword: " + schema.keySet());
    }
    if (schema.containsKey("type") && !hasType(schema.get("type"), value)) {
      problems.add(at + ": " + value.kind() + " instead of " + schema.get("type"));
      return;
    }
    if (schema.get("enum") instanceof List<?> allowed && !allowed.contains(plain(value))) {
      problems.add(at + ": not one of " + allowed);
    }
    if (schema.containsKey("const") && !Objects.equals(schema.get("const"), plain(value))) {
      problems.add(at + ": not " + schema.get("const"));
    }
    switch (value) {
      case Json.Obj object -> checkObject(at, schema, object);
      case Json.Arr array -> checkArray(at, schema, array);
      case Json.Str text -> checkText(at, schema, text.value());
      case Json.Num number -> checkNumber(at, schema, number.value());
      case Json.Bool _, Json.Null _ -> {}
    }
  }

  private void checkObject(String at, Map<String, Object> schema, Json.Obj object) {
    if (schema.get("required") instanceof List<?> required) {
      for (var name : required) {
        if (!object.members().containsKey((String) name)) {
          problems.add(at + "." + name + ": missing");
        }
      }
    }
    var properties =
        schema.containsKey("properties")
            ? Spec.object(schema.get("properties"))
            : Map.<String, Object>of();
    object
        .members()
        .forEach((name, member) -> {
          if (properties.containsKey(name)) {
            check(at + "." + name, Spec.object(properties.get(name)), member);
          } else if (Boolean.FALSE.equals(schema.get("additionalProperties"))) {
            problems.add(at + "." + name + ": not documented");
          } else if (schema.get("additionalProperties") instanceof Map<?, ?> others) {
            check(at + "." + name, Spec.object(others), member);
          }
        });
  }

  private void checkArray(String at, Map<String, Object> schema, Json.Arr array) {
    if (schema.get("minItems") instanceof Integer min && array.items().size() < min) {
      problems.add(at + ": fewer than " + min + " items");
    }
    if (schema.containsKey("items")) {
      for (int i = 0; i < array.items().size(); i++) {
        check(at + "[" + i + "]", Spec.object(schema.get("items")), array.items().get(i));
      }
    }
  }

  private void checkText(String at, Map<String, Object> schema, String text) {
    int length = text.codePointCount(0, text.length());
    if (schema.get("minLength") instanceof Integer min && length < min) {
      problems.add(at + ": shorter than " + min);
    }
    if (schema.get("maxLength") instanceof Integer max && length > max) {
      problems.add(at + ": longer than " + max);
    }
    if (schema.get("pattern") instanceof String pattern
        && !Pattern.compile(pattern).matcher(text).find()) {
      problems.add(at + ": \"" + text + "\" does not match " + pattern);
    }
    if ("date-time".equals(schema.get("format")) && !isDateTime(text)) {
      problems.add(at + ": \"" + text + "\" is not a time after RFC 3339");
    }
    if ("uuid".equals(schema.get("format"))
        && !text.matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")) {
      problems.add(at + ": \"" + text + "\" is not a UUID");
    }
  }

  private void checkNumber(String at, Map<String, Object> schema, BigDecimal number) {
    if (schema.get("minimum") instanceof Integer min
        && number.compareTo(BigDecimal.valueOf(min)) < 0) {
      problems.add(at + ": below " + min);
    }
    if (schema.get("maximum") instanceof Integer max
        && number.compareTo(BigDecimal.valueOf(max)) > 0) {
      problems.add(at + ": above " + max);
    }
  }

  private static boolean hasType(Object type, Json value) {
    if (type instanceof List<?> types) {
      return types.stream().anyMatch(one -> hasType(one, value));
    }
    return switch (value) {
      case Json.Obj _ -> type.equals("object");
      case Json.Arr _ -> type.equals("array");
      case Json.Str _ -> type.equals("string");
      case Json.Bool _ -> type.equals("boolean");
      case Json.Null _ -> type.equals("null");
      case Json.Num number ->
          type.equals("number")
              || (type.equals("integer") && number.value().stripTrailingZeros().scale() <= 0);
    };
  }

  private static @Nullable Object plain(Json value) {
    return switch (value) {
      case Json.Str text -> text.value();
      case Json.Bool bool -> bool.value();
      case Json.Num number -> number.value();
      case Json.Null _ -> null;
      case Json.Obj _, Json.Arr _ -> value;
    };
  }

  private static boolean isDateTime(String text) {
    try {
      OffsetDateTime.parse(text);
      return true;
    } catch (DateTimeParseException _) {
      return false;
    }
  }
}
