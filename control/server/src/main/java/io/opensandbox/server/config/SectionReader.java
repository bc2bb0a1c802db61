package io.opensandbox.server.config;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlArray;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/// Reads sections of one file after the schema and collects every violation.
final class SectionReader {
  private static final Set<String> TRUE = Set.of("true", "t", "yes", "y", "on", "1");
  private static final Set<String> FALSE = Set.of("false", "f", "no", "n", "off", "0");

  private final TomlTable root;
  private final List<String> violations = new ArrayList<>();

  SectionReader(TomlTable root) {
    this.root = root;
  }

  List<String> violations() {
    return List.copyOf(violations);
  }

  /// Adds a violation of a rule that is not of one key. What is missing is at the line of its
  /// section.
  void complain(String path, String complaint) {
    List<String> steps = List.of(path.split("\\."));
    TomlPosition position = position(steps);
    for (int i = steps.size() - 1; position == null && i > 0; i--) {
      position = position(steps.subList(0, i));
    }
    violations.add(
        (position == null ? "" : "line " + position.line() + ": ") + path + ": " + complaint);
  }

  boolean isPresent(Section section) {
    return root.get(section.path()) != null;
  }

  Values read(Section section) {
    Map<String, Object> values = new HashMap<>();
    Object found = root.get(section.path());
    if (found == null) {
      return new Values(false, values);
    }
    if (!(found instanceof TomlTable table)) {
      complain(section.name(), "must be a table");
      return new Values(false, values);
    }
    for (Key key : section.keys()) {
      read(section, table, key).ifPresent(value -> values.put(key.name(), value));
    }
    return new Values(true, values);
  }

  private Optional<Object> read(Section section, TomlTable table, Key key) {
    String path = section.name() + "." + key.name();
    Object raw = table.get(List.of(key.name()));
    if (raw == null) {
      if (key.required()) {
        complainAt(position(section.path()), path, "is required; " + key.description());
      }
      return Optional.empty();
    }
    Object value = coerce(key.type(), raw);
    TomlPosition position = table.inputPositionOf(List.of(key.name()));
    if (value == null) {
      complainAt(position, path, "must be " + article(key.type().words));
      return Optional.empty();
    }
    Optional<String> complaint = key.check().apply(value);
    if (complaint.isPresent()) {
      complainAt(position, path, complaint.get());
      return Optional.empty();
    }
    return Optional.of(value);
  }

  private static @Nullable Object coerce(Key.Type type, Object raw) {
    return switch (type) {
      case STRING -> raw instanceof String text ? text : null;
      case INTEGER -> integer(raw);
      case FLOAT -> number(raw);
      case BOOLEAN -> bool(raw);
      case STRINGS ->
          raw instanceof TomlArray array
                  && array.toList().stream().allMatch(String.class::isInstance)
              ? array.toList()
              : null;
      case TABLES ->
          raw instanceof TomlArray array
                  && array.toList().stream().allMatch(TomlTable.class::isInstance)
              ? array.toList()
              : null;
      case TABLE -> raw instanceof TomlTable table ? table : null;
    };
  }

  private static @Nullable Long integer(Object raw) {
    return switch (raw) {
      case Long value -> value;
      case Double value when value == Math.rint(value) && Math.abs(value) < 1e15 ->
          value.longValue();
      case String text when text.strip().matches("[+-]?\\d{1,18}") -> Long.valueOf(text.strip());
      default -> null;
    };
  }

  private static @Nullable Double number(Object raw) {
    return switch (raw) {
      case Long value -> value.doubleValue();
      case Double value -> value;
      case String text when text.strip().matches("[+-]?\\d{1,18}(\\.\\d{1,18})?") ->
          Double.valueOf(text.strip());
      default -> null;
    };
  }

  private static @Nullable Boolean bool(Object raw) {
    return switch (raw) {
      case Boolean value -> value;
      case Long value when value == 0 || value == 1 -> value == 1;
      case String text when TRUE.contains(text.toLowerCase(Locale.ROOT)) -> true;
      case String text when FALSE.contains(text.toLowerCase(Locale.ROOT)) -> false;
      default -> null;
    };
  }

  private void complainAt(@Nullable TomlPosition position, String path, String complaint) {
    String line = position == null ? "" : "line " + position.line() + ": ";
    violations.add(line + path + " " + complaint);
  }

  private @Nullable TomlPosition position(List<String> path) {
    try {
      return root.inputPositionOf(path);
    } catch (RuntimeException _) { // tomlj throws when a parent of the path is not a table
      return null;
    }
  }

  private static String article(String words) {
    return (words.startsWith("a") || words.startsWith("i") ? "an " : "a ") + words;
  }
}
