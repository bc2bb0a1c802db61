package io.opensandbox.server.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.avaje.jsonb.Jsonb;
import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.server.FakeClock;
import io.opensandbox.server.TestServer;
import io.opensandbox.server.json.JsonParser;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// Calls every operation of the document on the running server, in every way the document gives
/// rise to, and compares the answers with it.
class ConformanceTest {
  private static final String NOBODY = "00000000-0000-4000-8000-000000000000";

  @TempDir Path folder;
  private final Spec spec = new Spec();
  private final FakeRuntime runtime = new FakeRuntime();
  private TestServer server;

  @BeforeEach
  void start() {
    runtime.addLocalImage("python:3.12");
    server = TestServer.start(folder, runtime, new FakeClock(), "");
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @TestFactory
  Stream<DynamicTest> answersAsDocumented() {
    return operations(operation -> true)
        .flatMap(operation -> prefixes(operation).map(prefix -> new Call(prefix, operation)))
        .map(call -> DynamicTest.dynamicTest(call.toString(), () -> succeed(call)));
  }

  @TestFactory
  Stream<DynamicTest> whatIsNotThereIsNotFound() {
    return operations(
            operation -> operation.path().matches(".*\\{(sandboxId|snapshotId|poolName)}.*"))
        .map(operation ->
            DynamicTest.dynamicTest(
                operation.toString(),
                () -> {
                  var call = new Call("/v1", operation);
                  var answer = call.send(names(NOBODY, NOBODY, "nobody"));
                  check(call, answer);
                  assertThat(answer.status()).isIn(404, 501);
                }));
  }

  @TestFactory
  Stream<DynamicTest> withoutAKeyNothingIsDone() {
    return operations(Spec.Operation::needsKey)
        .map(operation ->
            DynamicTest.dynamicTest(
                operation.toString(),
                () -> {
                  var call = new Call("/v1", operation);
                  var path = call.path(names(NOBODY, NOBODY, "nobody"));
                  var none = server.send(plain(operation.method(), path));
                  var wrong =
                      server.send(
                          plain(operation.method(), path).header("OPEN-SANDBOX-API-KEY", "x"));

                  check(call, none);
                  check(call, wrong);
                  assertThat(none.text("code")).isEqualTo("MISSING_API_KEY");
                  assertThat(wrong.text("code")).isEqualTo("INVALID_API_KEY");
                }));
  }

  @TestFactory
  Stream<DynamicTest> parametersOutOfBoundsAreInvalid() {
    List<DynamicTest> tests = new ArrayList<>();
    operations(operation -> true)
        .forEach(operation -> {
          for (var parameter : operation.parameters("query")) {
            for (var value : outOfBounds(spec.resolve(Spec.object(parameter.get("schema"))))) {
              var query = parameter.get("name") + "=" + value;
              tests.add(
                  DynamicTest.dynamicTest(
                      operation + "?" + query, () -> refuseQuery(operation, query)));
            }
          }
        });
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> bodiesThatBreakTheSchemaAreInvalid() {
    List<DynamicTest> tests = new ArrayList<>();
    operations(operation -> operation.bodySchema().isPresent())
        .forEach(operation -> {
          for (var body : broken(operation)) {
            tests.add(
                DynamicTest.dynamicTest(operation + " " + body, () -> refuse(operation, body)));
          }
        });
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> otherMethodsAreNotAllowed() {
    var byPath =
        operations(operation -> true)
            .collect(
                Collectors.groupingBy(
                    Spec.Operation::path,
                    LinkedHashMap::new,
                    Collectors.mapping(
                        Spec.Operation::method, Collectors.toCollection(TreeSet::new))));
    return byPath.entrySet().stream()
        .map(path ->
            DynamicTest.dynamicTest(
                path.getKey(), () -> refuseMethods(path.getKey(), path.getValue())));
  }

  @TestFactory
  Stream<DynamicTest> rootOnlyPathsHaveNoPrefix() {
    return operations(Spec.Operation::isRootOnly)
        .map(operation ->
            DynamicTest.dynamicTest(
                operation.toString(),
                () ->
                    assertThat(
                            server
                                .send("GET", "/v1" + operation.path().replaceAll("\\{.*}", "x"))
                                .status())
                        .isEqualTo(404)));
  }

  private void succeed(Call call) {
    var answer = call.send(prepare(call.operation()));

    check(call, answer);
    assertThat(answer.status()).as(answer.body()).isBetween(200, 299);
  }

  private void refuseQuery(Spec.Operation operation, String query) {
    var call = new Call("/v1", operation);
    var answer = server.send(operation.method(), call.path(prepare(operation)) + "?" + query);

    check(call, answer);
    assertThat(answer.status()).as(answer.body()).isEqualTo(400);
  }

  private void refuse(Spec.Operation operation, String body) {
    int before = runtime.sandboxIds().size();
    var call = new Call("/v1", operation);
    var names = prepare(operation);
    int prepared = runtime.sandboxIds().size();
    var answer = server.send(operation.method(), call.path(names), body);

    check(call, answer);
    assertThat(answer.status()).as(answer.body()).isIn(400, 501);
    assertThat(prepared).isGreaterThanOrEqualTo(before);
    assertThat(runtime.sandboxIds()).as("nothing was made").hasSize(prepared);
  }

  private void refuseMethods(String path, Set<String> allowed) {
    var concrete = path.replaceAll("\\{port}", "80").replaceAll("\\{[^}]*}", NOBODY);
    for (var method : List.of("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")) {
      if (!allowed.contains(method)) {
        var answer = server.send(method, concrete);

        assertThat(answer.status()).as(method + " " + path).isEqualTo(405);
        assertThat(answer.header("Allow"))
            .hasValueSatisfying(allow ->
                assertThat(allow.split(", *", -1))
                    .containsExactlyInAnyOrder(allowed.toArray(String[]::new)));
      }
    }
  }

  private void check(Call call, TestServer.Answer answer) {
    var response = call.operation().response(answer.status());
    assertThat(response)
        .as("status %d of %s: %s", answer.status(), call, answer.body())
        .isPresent();
    checkHeaders(response.get(), answer);
    if (!response.get().containsKey("content")) {
      assertThat(answer.body()).as("%s has no documented body", call).isEmpty();
      return;
    }
    var type = answer.header("Content-Type").orElse("").replaceAll("\\s*;.*", "");
    var content = Spec.object(response.get().get("content"));
    assertThat(content).as(call.toString()).containsKey(type);
    if (type.equals("application/json")) {
      var schema = Spec.object(Spec.object(content.get(type)).get("schema"));
      assertThat(SchemaCheck.problems(spec, schema, JsonParser.parse(answer.body())))
          .as("%s answered %s", call, answer.body())
          .isEmpty();
    }
  }

  private void checkHeaders(Map<String, Object> response, TestServer.Answer answer) {
    if (response.containsKey("headers")) {
      Spec.object(response.get("headers"))
          .forEach((name, reference) -> {
            var header = spec.resolve(Spec.object(reference));
            if (Boolean.TRUE.equals(header.get("required"))) {
              assertThat(answer.header(name)).as(name).isPresent();
            }
          });
    }
  }

  /// Every operation that the server's routes answer and that passes `filter`.
  private Stream<Spec.Operation> operations(Predicate<Spec.Operation> filter) {
    var served =
        server.routes().stream()
            .map(route -> route.method() + " " + route.path().replaceAll("\\{[^}]*}", "{}"))
            .collect(Collectors.toSet());
    return spec.operations().stream()
        .filter(operation ->
            served.contains(
                operation.method() + " " + operation.path().replaceAll("\\{[^}]*}", "{}")))
        .filter(filter);
  }

  private static Stream<String> prefixes(Spec.Operation operation) {
    return operation.isRootOnly() ? Stream.of("") : Stream.of("", "/v1");
  }

  private HttpRequest.Builder plain(String method, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
        .method(method, HttpRequest.BodyPublishers.noBody());
  }

  /// Makes what an operation needs to succeed; the values of its path's parameters.
  private Map<String, String> prepare(Spec.Operation operation) {
    var sandbox = operation.path().contains("{sandboxId}") ? createSandbox() : NOBODY;
    if (operation.id().equals("resumeSandbox")) {
      server.send("POST", "/v1/sandboxes/" + sandbox + "/pause");
    }
    var snapshot = operation.path().contains("{snapshotId}") ? createSnapshot() : NOBODY;
    if (operation.path().contains("{poolName}")) {
      createPool();
    }
    if (operation.id().equals("createPool")) {
      server.send("DELETE", "/v1/pools/python-small");
    }
    return names(sandbox, snapshot, "empty");
  }

  // One that makes nothing by itself.
  private void createPool() {
    server.send(
        "POST",
        "/v1/pools",
        "{\"name\":\"empty\",\"template\":{\"spec\":{\"containers\":[{\"image\":\"busybox\"}]}},"
            + "\"capacitySpec\":{\"bufferMin\":0,\"bufferMax\":0,\"poolMin\":0,\"poolMax\":0}}");
  }

  private String createSnapshot() {
    var id = server.send("POST", "/v1/sandboxes/" + createSandbox() + "/snapshots").text("id");
    while (server.send("GET", "/v1/snapshots/" + id).text("status", "state").equals("Creating")) {
      Thread.onSpinWait();
    }
    return id;
  }

  private String createSandbox() {
    return server.send("POST", "/v1/sandboxes", TestServer.body(",\"timeout\":600")).text("id");
  }

  private static Map<String, String> names(String sandbox, String snapshot, String pool) {
    return Map.of(
        "sandboxId", sandbox,
        "snapshotId", snapshot,
        "poolName", pool,
        "port", "44772",
        "asset", "swagger-ui.css");
  }

  /// Query values that the schema of a parameter excludes.
  private static List<String> outOfBounds(Map<String, Object> schema) {
    List<String> values = new ArrayList<>();
    if ("integer".equals(schema.get("type")) || "boolean".equals(schema.get("type"))) {
      values.addAll(List.of("", "abc", "1e1", "0x1"));
    }
    if (schema.get("minimum") instanceof Integer min) {
      values.addAll(List.of(Integer.toString(min - 1), "-1", "-99999999999999999999"));
    }
    if (schema.get("maximum") instanceof Integer max) {
      values.add(Integer.toString(max + 1));
    }
    if (schema.get("pattern") instanceof String) {
      values.addAll(List.of("", "abc", "1.5", "-"));
    }
    return values;
  }

  /// Bodies that break the schema in one place each.
  private List<String> broken(Spec.Operation operation) {
    List<String> bodies = new ArrayList<>(List.of("{", "[]", "\"x\"", "7", "{} {}", "{\"a\":}"));
    if (operation.isBodyRequired()) {
      bodies.addAll(List.of("", "null"));
    }
    var schema = operation.bodySchema().orElseThrow();
    var example = Spec.object(operation.bodyExample().orElseThrow());
    for (var changed : brokenObjects(schema, example)) {
      bodies.add(Jsonb.instance().toJson(changed));
    }
    return bodies;
  }

  private List<Map<String, Object>> brokenObjects(
      Map<String, Object> schema, Map<String, Object> example) {
    List<Map<String, Object>> broken = new ArrayList<>();
    if (schema.get("required") instanceof List<?> required) {
      for (var name : required) {
        var without = new LinkedHashMap<>(example);
        without.remove((String) name);
        broken.add(without);
      }
    }
    if (schema.containsKey("properties")) {
      Spec.object(schema.get("properties"))
          .forEach((name, reference) -> {
            var property = spec.resolve(Spec.object(reference));
            for (var value : brokenValues(property, example.get(name))) {
              var with = new LinkedHashMap<>(example);
              with.put(name, value);
              broken.add(with);
            }
          });
    }
    if (schema.get("additionalProperties") instanceof Map<?, ?> others) {
      for (var value : brokenValues(Spec.object(others), null)) {
        broken.add(Map.of("key", value));
      }
    }
    return broken;
  }

  private List<Object> brokenValues(Map<String, Object> schema, @Nullable Object example) {
    List<Object> values = new ArrayList<>();
    var type = String.valueOf(schema.get("type"));
    if (type.contains("string")) {
      values.addAll(List.of(7, true, List.of(), Map.of()));
      values.addAll(brokenTexts(schema));
    } else if (type.contains("integer")) {
      values.addAll(List.of("abc", 60.5, List.of(), Map.of()));
      if (schema.get("minimum") instanceof Integer min) {
        values.add(min - 1);
      }
    } else if (type.contains("boolean")) {
      values.addAll(List.of("maybe", List.of(), Map.of()));
    } else if (type.contains("array")) {
      values.addAll(List.of("x", 7, Map.of()));
      if (schema.containsKey("minItems")) {
        values.add(List.of());
      }
      for (var item : brokenValues(spec.resolve(Spec.object(schema.get("items"))), null)) {
        values.add(List.of(item));
      }
    } else if (type.contains("object")) {
      values.addAll(List.of("x", 7, List.of()));
      values.addAll(
          brokenObjects(schema, example == null ? new HashMap<>() : Spec.object(example)));
    }
    return values;
  }

  private static List<String> brokenTexts(Map<String, Object> schema) {
    List<String> texts = new ArrayList<>();
    if (schema.get("minLength") instanceof Integer min && min == 1) {
      texts.add("");
    }
    if (schema.get("maxLength") instanceof Integer max) {
      texts.add("a".repeat(max + 1));
    }
    if (schema.get("pattern") instanceof String pattern) {
      Stream.of("", "A B", "x", "-")
          .filter(text -> !Pattern.compile(pattern).matcher(text).find())
          .forEach(texts::add);
    }
    if ("date-time".equals(schema.get("format"))) {
      texts.addAll(List.of("", "tomorrow", "2030-13-01T00:00:00Z"));
    }
    return texts;
  }

  /// One operation under one prefix.
  private final class Call {
    private final String prefix;
    private final Spec.Operation operation;

    Call(String prefix, Spec.Operation operation) {
      this.prefix = prefix;
      this.operation = operation;
    }

    Spec.Operation operation() {
      return operation;
    }

    String path(Map<String, String> names) {
      var path = operation.path();
      for (var name : names.entrySet()) {
        path = path.replace("{" + name.getKey() + "}", name.getValue());
      }
      return (operation.isRootOnly() ? "" : prefix) + path;
    }

    TestServer.Answer send(Map<String, String> names) {
      var body = operation.bodyExample().map(example -> Jsonb.instance().toJson(example));
      return server.send(server.request(operation.method(), path(names), body));
    }

    @Override
    public String toString() {
      return operation.method() + " " + prefix + operation.path();
    }
  }
}
