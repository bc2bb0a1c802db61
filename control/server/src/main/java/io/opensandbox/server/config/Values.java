package io.opensandbox.server.config;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.tomlj.TomlTable;

/// The checked values of one section; a key that is not there is unset or has its default.
record Values(boolean present, Map<String, Object> values) {
  String string(String key, String fallback) {
    return (String) values.getOrDefault(key, fallback);
  }

  Optional<String> text(String key) {
    return Optional.ofNullable((String) values.get(key));
  }

  /// The text of a key for which blank means unset.
  Optional<String> nonBlank(String key) {
    return text(key).filter(value -> !value.isBlank());
  }

  long integer(String key, long fallback) {
    return (Long) values.getOrDefault(key, fallback);
  }

  OptionalLong integer(String key) {
    return values.get(key) instanceof Long value ? OptionalLong.of(value) : OptionalLong.empty();
  }

  boolean bool(String key, boolean fallback) {
    return (Boolean) values.getOrDefault(key, fallback);
  }

  @SuppressWarnings("unchecked") // SectionReader has checked the elements.
  List<String> strings(String key, List<String> fallback) {
    return (List<String>) values.getOrDefault(key, fallback);
  }

  @SuppressWarnings("unchecked") // SectionReader has checked the elements.
  List<TomlTable> tables(String key) {
    return (List<TomlTable>) values.getOrDefault(key, List.of());
  }
}
