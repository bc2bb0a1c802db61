package io.opensandbox.server.docs;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// `specs/lifecycle.yaml`, as tests walk through it.
final class Spec {
  private static final List<String> METHODS = List.of("get", "put", "post", "delete", "patch");

  private final Map<String, Object> document = ApiDocument.source();

  /// One operation.
  ///
  /// @param path as in the document, without prefix
  /// @param parameters of the path and of the operation, resolved
  record Operation(
      Spec spec,
      String method,
      String path,
      Map<String, Object> item,
      Map<String, Object> fields,
      List<Map<String, Object>> parameters) {
    String id() {
      return (String) Objects.requireNonNull(fields.get("operationId"));
    }

    boolean isRootOnly() {
      return Boolean.TRUE.equals(item.get("x-root-only"));
    }

    boolean isProxy() {
      return "proxy".equals(item.get("x-served-by"));
    }

    boolean needsKey() {
      return !fields.containsKey("security");
    }

    List<Map<String, Object>> parameters(String in) {
      return parameters.stream().filter(parameter -> in.equals(parameter.get("in"))).toList();
    }

    /// The description of a response, or of any response; empty when that status is undocumented.
    Optional<Map<String, Object>> response(int status) {
      var responses = object(fields.get("responses"));
      var found = responses.get(Integer.toString(status));
      return Optional.ofNullable(found).map(response -> spec.resolve(object(response)));
    }

    /// The schema of the JSON request body; empty when there is none.
    Optional<Map<String, Object>> bodySchema() {
      return body().map(body -> spec.resolve(object(body.get("schema"))));
    }

    boolean isBodyRequired() {
      return Boolean.TRUE.equals(object(fields.get("requestBody")).get("required"));
    }

    /// The example of the JSON request body.
    Optional<Object> bodyExample() {
      return body()
          .map(
              body -> object(object(body.get("examples")).values().iterator().next()).get("value"));
    }

    private Optional<Map<String, Object>> body() {
      return Optional.ofNullable(fields.get("requestBody"))
          .map(body -> object(object(body).get("content")).get("application/json"))
          .map(Spec::object);
    }

    @Override
    public String toString() {
      return method + " " + path;
    }
  }

  List<Operation> operations() {
    List<Operation> operations = new ArrayList<>();
    for (var path : object(document.get("paths")).entrySet()) {
      var item = object(path.getValue());
      for (var method : METHODS) {
        if (item.containsKey(method)) {
          var fields = object(item.get(method));
          operations.add(
              new Operation(
                  this,
                  method.toUpperCase(Locale.ROOT),
                  path.getKey(),
                  item,
                  fields,
                  parameters(item, fields)));
        }
      }
    }
    return operations;
  }

  /// The named schemas.
  Map<String, Object> schemas() {
    return object(object(document.get("components")).get("schemas"));
  }

  /// What a `$ref` points to; anything else is itself.
  Map<String, Object> resolve(Map<String, Object> node) {
    if (!(node.get("$ref") instanceof String ref)) {
      return node;
    }
    Object target = document;
    for (var name : ref.substring("#/".length()).split("/", -1)) {
      target = Objects.requireNonNull(object(target).get(name), ref);
    }
    return resolve(object(target));
  }

  @SuppressWarnings("unchecked") // a YAML mapping with text keys
  static Map<String, Object> object(@Nullable Object node) {
    if (node == null) {
      throw new AssertionError("the document lacks a mapping");
    }
    return (Map<String, Object>) node;
  }

  private List<Map<String, Object>> parameters(
      Map<String, Object> item, Map<String, Object> fields) {
    Map<String, Map<String, Object>> byName = new LinkedHashMap<>();
    for (var owner : List.of(item, fields)) {
      if (owner.get("parameters") instanceof List<?> list) {
        for (var entry : list) {
          var parameter = resolve(object(entry));
          byName.put(parameter.get("in") + " " + parameter.get("name"), parameter);
        }
      }
    }
    return List.copyOf(byName.values());
  }
}
