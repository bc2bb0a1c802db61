package io.opensandbox.server.docs;

import io.avaje.jsonb.Jsonb;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/// `specs/lifecycle.yaml` as the server publishes it: JSON, every path under each of its prefixes.
final class ApiDocument {
  private static final String SOURCE = "lifecycle.yaml";
  private static final String PREFIX = "/v1";
  private static final List<String> METHODS = List.of("get", "put", "post", "delete", "patch");

  private ApiDocument() {}

  /// Reads, expands and writes the document; takes some tens of milliseconds.
  static byte[] json() {
    return Jsonb.instance().type(Object.class).toJsonBytes(published(source()));
  }

  /// The document as it stands in `specs/`.
  static Map<String, Object> source() {
    try (InputStream in = ApiDocument.class.getResourceAsStream(SOURCE)) {
      if (in == null) {
        throw new IllegalStateException("the build has left out " + SOURCE);
      }
      Map<String, Object> document = new Yaml(new SafeConstructor(new LoaderOptions())).load(in);
      return document;
    } catch (IOException fault) {
      throw new UncheckedIOException(fault);
    }
  }

  /// Paths below both prefixes stand twice, so the server itself is at the root.
  private static Map<String, Object> published(Map<String, Object> source) {
    Map<String, Object> paths = new LinkedHashMap<>();
    for (Map.Entry<String, Object> path : object(source.get("paths")).entrySet()) {
      Map<String, Object> item = object(path.getValue());
      if (!Boolean.TRUE.equals(item.get("x-root-only"))) {
        paths.put(PREFIX + path.getKey(), item);
      }
    }
    for (Map.Entry<String, Object> path : object(source.get("paths")).entrySet()) {
      Map<String, Object> item = object(path.getValue());
      paths.put(path.getKey(), Boolean.TRUE.equals(item.get("x-root-only")) ? item : renamed(item));
    }
    Map<String, Object> document = new LinkedHashMap<>(source);
    document.put("servers", List.of(Map.of("url", "/")));
    document.put("paths", paths);
    return document;
  }

  /// The item with operation ids of its own, since they must be unique.
  private static Map<String, Object> renamed(Map<String, Object> item) {
    Map<String, Object> copy = new LinkedHashMap<>(item);
    for (String method : METHODS) {
      if (copy.containsKey(method)) {
        Map<String, Object> operation = new LinkedHashMap<>(object(copy.get(method)));
        operation.computeIfPresent("operationId", (_, id) -> id + "AtRoot");
        copy.put(method, operation);
      }
    }
    return copy;
  }

  @SuppressWarnings("unchecked") // a YAML mapping with text keys
  private static Map<String, Object> object(@Nullable Object value) {
    return (Map<String, Object>) Objects.requireNonNull(value);
  }
}
