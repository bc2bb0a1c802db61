package io.opensandbox.execd;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.isolated.IsolatedRoutes;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.log.Level;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.process.TestBroker;
import io.opensandbox.execd.random.KernelRandom;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.yaml.snakeyaml.Yaml;

/// What the daemon answers is what `specs/execd.yaml` says it answers: the status, the type and
/// every member.
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SpecResponsesTest {
  private static final Set<String> METHODS = Set.of("get", "post", "delete");

  /// Streams without an end.
  private static final Set<String> ENDLESS = Set.of("GET /metrics/watch");

  /// Answers that are only there when they are asked for.
  private static final Set<String> EMPTY = Set.of("POST /files/replace");

  private static final Map<String, Object> SPEC = load();

  private final SpecSchemas schemas = new SpecSchemas(SPEC);
  private TestBroker broker;
  private Execd execd;
  private Path root;

  /// An operation of the specification.
  record Operation(String method, String path, Map<String, Object> content) {
    @Override
    public String toString() {
      return method + " " + path;
    }
  }

  private static Map<String, Object> load() {
    try {
      return SpecSchemas.map(new Yaml().load(Files.readString(Path.of("../../specs/execd.yaml"))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Stream<Operation> operations() {
    List<Operation> operations = new ArrayList<>();
    SpecSchemas.map(SPEC.get("paths"))
        .forEach((path, item) ->
            SpecSchemas.map(item)
                .forEach((method, content) -> {
                  if (METHODS.contains(method)) {
                    operations.add(
                        new Operation(
                            method.toUpperCase(Locale.ROOT), path, SpecSchemas.map(content)));
                  }
                }));
    return operations.stream().filter(operation -> !ENDLESS.contains(operation.toString()));
  }

  @BeforeAll
  void start(@TempDir Path directory) throws IOException {
    broker = TestBroker.start();
    root = Files.createDirectory(directory.resolve("root"));
    Files.writeString(root.resolve("file"), "content\n");
    OutputStream nowhere = OutputStream.nullOutputStream();
    Clock clock = Clock.system(ZoneOffset.UTC);
    Map<String, String> environment =
        Map.of("PATH", "/usr/local/bin:/usr/bin:/bin", "TMPDIR", directory.toString());
    var surroundings =
        new Execd.Surroundings(
            environment,
            broker.spawner(),
            new IsolatedRoutes.Tools(() -> Optional.of(TestBroker.launcher()), List.of()),
            clock,
            Log.open(Level.ofFlag(3), List.of(), nowhere, nowhere, clock),
            new KernelRandom());
    ServerSocketChannel listener = ServerSocketChannel.open();
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    execd =
        new Execd(
            Settings.of(
                List.of("--isolation-upper-root", directory.resolve("isolated").toString()),
                environment),
            surroundings,
            listener);
    execd.start();
  }

  @AfterAll
  void stop() throws IOException {
    if (execd != null) {
      execd.close();
      broker.close();
    }
  }

  private RawClient.Response send(String method, String target, String body) throws IOException {
    try (RawClient client = new RawClient(execd.port())) {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      client.send(
          "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
              .formatted(method, target, bytes.length));
      return client.send(bytes).receive();
    }
  }

  /// With an unknown id, without a query and with an empty object.
  @ParameterizedTest
  @MethodSource("operations")
  void answersOnlyWhatIsDescribed(Operation operation) throws IOException {
    String target = operation.path.replaceAll("\\{\\w+}", "unknown");

    check(operation, send(operation.method, target, "{}"));
  }

  private void check(Operation operation, RawClient.Response response) {
    Map<String, Object> responses = SpecSchemas.map(operation.content.get("responses"));
    String status = Integer.toString(response.status());
    assertThat(responses.keySet()).as(operation + " " + response.body()).contains(status);
    Map<String, Object> described = schemas.resolved(responses.getOrDefault(status, Map.of()));
    Map<String, Object> content = SpecSchemas.map(described.get("content"));
    if (content.isEmpty() || (response.body().isEmpty() && EMPTY.contains(operation.toString()))) {
      assertThat(response.body()).as(operation.toString()).isEmpty();
      return;
    }
    String type = response.header("content-type").split(";", 2)[0];
    assertThat(content.keySet()).as(operation + " " + response.body()).contains(type);
    Object schema =
        SpecSchemas.map(content.getOrDefault(type, Map.of())).getOrDefault("schema", Map.of());
    switch (type) {
      case "application/json" -> checkJson(operation, schema, response.body());
      case "text/event-stream" -> {
        for (String event : response.body().strip().split("\n\n", -1)) {
          checkJson(operation, schema, event);
        }
      }
      default -> {}
    }
  }

  private void checkJson(Operation operation, Object schema, String json) {
    assertThat(schemas.check(schema, JsonParser.parse(json.getBytes(StandardCharsets.UTF_8))))
        .as(operation + " " + json)
        .isEmpty();
  }

  /// Sends a good request and holds the answer against the operation's description.
  private JsonObject use(String method, String path, String target, String body)
      throws IOException {
    RawClient.Response response = send(method, target, body);
    Operation operation =
        operations()
            .filter(each -> each.method.equals(method) && each.path.equals(path))
            .findFirst()
            .orElseThrow();
    assertThat(response.status()).as(operation + " " + response.body()).isBetween(200, 299);
    check(operation, response);
    String first = response.body().split("\n\n", 2)[0];
    return first.startsWith("{")
        ? JsonParser.parseObject(first.getBytes(StandardCharsets.UTF_8))
        : JsonObject.EMPTY;
  }

  @Test
  void givesEveryMemberThatIsDescribed() throws IOException {
    use("GET", "/metrics", "/metrics", "");
    use("GET", "/files/info", "/files/info?path=" + root + "/file", "");
    use("GET", "/files/search", "/files/search?path=" + root, "");
    use("GET", "/directories/list", "/directories/list?path=" + root, "");
    use(
        "POST",
        "/files/replace",
        "/files/replace?verbose=true",
        "{\"" + root + "/file\":{\"old\":\"x\",\"new\":\"y\"}}");
    useCommands();
    useTerminal();
    useIsolatedSessions();

    Set<String> missing = new TreeSet<>();
    for (String schema :
        List.of("CommandStatus", "Session", "Terminal", "FileInfo", "Metrics", "ReplaceResult")) {
      properties(schema).forEach(property -> missing.add(schema + "." + property));
    }
    missing.removeAll(schemas.seen());
    assertThat(missing).isEmpty();
  }

  private static Set<String> properties(String schema) {
    Map<String, Object> all =
        SpecSchemas.map(SpecSchemas.map(SPEC.get("components")).get("schemas"));
    return SpecSchemas.map(SpecSchemas.map(all.get(schema)).get("properties")).keySet();
  }

  private void useCommands() throws IOException {
    String id =
        use("POST", "/command", "/command", "{\"command\":\"echo out; echo err >&2; exit 3\"}")
            .stringOrEmpty("text");
    use("GET", "/command/status/{id}", "/command/status/" + id, "");
    use("GET", "/command", "/command", "");
    String session = use("POST", "/session", "/session", "").stringOrEmpty("session_id");
    use("POST", "/session/{id}/run", "/session/" + session + "/run", "{\"command\":\"echo x\"}");
    use("DELETE", "/session/{id}", "/session/" + session, "");
  }

  private void useTerminal() throws IOException {
    String id = use("POST", "/pty", "/pty", "").stringOrEmpty("session_id");
    use("GET", "/pty/{id}", "/pty/" + id, "");
    use("DELETE", "/pty/{id}", "/pty/" + id, "");
  }

  private void useIsolatedSessions() throws IOException {
    String base = "/v1/isolated/session";
    if (!use("GET", "/v1/isolated/capabilities", "/v1/isolated/capabilities", "")
        .flag("available")) {
      return; // checked above: the refusal of a create is as described
    }
    String body = "{\"workspace\":{\"path\":\"" + root + "\",\"mode\":\"overlay\"}}";
    String id = use("POST", base, base, body).stringOrEmpty("session_id");
    String at = base + "/" + id;
    use("GET", base + "/{id}", at, "");
    use("GET", "/v1/isolated/sessions", "/v1/isolated/sessions", "");
    use("POST", base + "/{id}/run", at + "/run", "{\"code\":\"echo x; exit 2\"}");
    String run =
        use("POST", base + "/{id}/run", at + "/run", "{\"code\":\"exit 2\",\"background\":true}")
            .stringOrEmpty("run_id");
    use("GET", base + "/{id}/runs/{run}", at + "/runs/" + run, "");
    use("GET", base + "/{id}/runs/{run}/logs", at + "/runs/" + run + "/logs", "");
    use("GET", base + "/{id}/diff", at + "/diff", "");
    use("POST", base + "/{id}/commit", at + "/commit", "");
    use("DELETE", base + "/{id}", at, "");
  }
}
