package io.opensandbox.execd.code;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.command.CommandLimits;
import io.opensandbox.execd.command.CommandLog;
import io.opensandbox.execd.command.CommandPlanner;
import io.opensandbox.execd.command.CommandRoutes;
import io.opensandbox.execd.command.InterruptRoute;
import io.opensandbox.execd.envfile.EnvFileSource;
import io.opensandbox.execd.event.EventClient;
import io.opensandbox.execd.event.EventClient.Event;
import io.opensandbox.execd.http.HttpLimits;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.kernel.FakeKernels;
import io.opensandbox.execd.log.Level;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.process.TestBroker;
import io.opensandbox.execd.sql.SqlDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(180)
class CodeRoutesTest {
  private static final Map<String, String> ENVIRONMENT =
      Map.of("PATH", "/usr/local/bin:/usr/bin:/bin", "HOME", "/root");
  private static final int OUTPUT_LIMIT = 1000;

  @RegisterExtension static final TestBroker broker = new TestBroker();

  @TempDir Path folder;

  private final FakeKernels kernels = new FakeKernels();
  private TestServer server;
  private EventClient client;

  @BeforeEach
  void start() throws IOException {
    Clock clock = Clock.systemUTC();
    var commands =
        new CommandRoutes(
            broker.spawner(),
            new CommandLog(folder.resolve("output"), CommandLimits.DEFAULT, clock),
            new CommandPlanner(
                new EnvFileSource(() -> "", ENVIRONMENT, _ -> {}), PathExpansion::expandText),
            AccountDatabase.ofSystem(),
            clock,
            () -> UUID.randomUUID().toString(),
            Log.open(Level.ERROR, List.of("stderr"), System.err, System.err, clock));
    var contexts = new CodeContexts(kernels);
    var router = new Router();
    router.add("DELETE", "/code", new InterruptRoute(List.of(contexts, commands)));
    new CodeRoutes(
            contexts,
            commands,
            new SqlDatabase(new InetSocketAddress(InetAddress.getLoopbackAddress(), 1)),
            new PathExpansion(() -> ENVIRONMENT),
            clock,
            OUTPUT_LIMIT,
            System.err::println)
        .register(router);
    server = new TestServer(router, HttpLimits.DEFAULT);
    client = new EventClient(server.server().port());
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    server.close();
  }

  @Test
  void streamsOutputThenCompletes() throws Exception {
    String id = create("python");

    assertThat(client.stream("/code", code("print hello", "python", id)))
        .containsExactly(
            new Event("init", id),
            new Event("stdout", "hello"),
            new Event("execution_complete", ""));
  }

  @Test
  void valueComesWithCountAndUnderBothNames_allText() throws Exception {
    String id = create("python");

    String body = client.send("POST", "/code", code("value 4", "python", id)).body();

    assertThat(body)
        .contains("{\"type\":\"execution_count\",\"execution_count\":1,")
        .contains(
            "\"results\":{\"text\":\"4\",\"text/plain\":\"4\",\"application/json\":\"{\\\"a\\\":[1]}\"}")
        .doesNotContain("foreign");
    assertThat(body.indexOf("execution_count\"")).isLessThan(body.indexOf("\"results\""));
  }

  @Test
  void displayDataIsAResult() throws Exception {
    String body = client.send("POST", "/code", code("display cGljdHVyZQ==", "python", "")).body();

    assertThat(body).contains("\"results\":{\"image/png\":\"cGljdHVyZQ==\"}");
  }

  @Test
  void failureIsAnErrorWithoutCompletionOrStatus() throws Exception {
    List<Event> events = client.stream("/code", code("fail", "python", ""));

    assertThat(events.subList(1, events.size()))
        .containsExactly(new Event("error", "ValueError bad [line 1]"));
  }

  @Test
  void withoutContextAllRunsOfALanguageShareOne() throws Exception {
    Event first = client.stream("/code", code("print a", "python", "")).getFirst();
    Event second = client.stream("/code", code("print b", "python", "")).getFirst();

    assertThat(second).isEqualTo(first);
    assertThat(kernels.opened()).containsExactly("python null");
    assertThat(get("/code/contexts").body()).contains(first.text());
  }

  @Test
  void aBusyContextRefusesWithAnError_untilInterrupted() throws Exception {
    String id = create("python");
    try (EventClient.Stream running = client.open("POST", "/code", code("hang", "python", id))) {
      running.next();
      running.next();

      List<Event> refused = client.stream("/code", code("print x", "python", id));
      HttpResponse<String> interrupted = client.send("DELETE", "/code?id=" + id, "");

      assertThat(refused.getLast().text()).contains("session is busy");
      assertThat(interrupted.statusCode()).isEqualTo(200);
      assertThat(running.rest()).containsExactly(new Event("error", "KeyboardInterrupt  [line 1]"));
    }
  }

  @Test
  void whoHearsOfTheEndMayRunTheNextPieceAtOnce() throws Exception {
    String id = create("python");

    for (int i = 0; i < 300; i++) {
      assertThat(client.stream("/code", code("print x", "python", id)).getLast().type())
          .isEqualTo("execution_complete");
    }
  }

  @Test
  void aKernelThatDiesEndsTheRun_andTheNextRunHasANewOne() throws Exception {
    String id = create("python");

    List<Event> died = client.stream("/code", code("die", "python", id));
    List<Event> next = client.stream("/code", code("print again", "python", id));

    assertThat(died.getLast().text()).startsWith("KernelDied the kernel ended: signal: killed");
    assertThat(next).contains(new Event("stdout", "again"));
    assertThat(kernels.opened()).hasSize(2);
  }

  @Test
  void outputBeyondTheLimitIsCutWithANotice() throws Exception {
    String most = "x".repeat(OUTPUT_LIMIT - 1);
    List<Event> events = client.stream("/code", code("print " + most + "éé", "python", ""));

    assertThat(events.get(1)).isEqualTo(new Event("stdout", most));
    assertThat(events.get(2).type()).isEqualTo("stderr");
    assertThat(events.get(2).text()).contains("larger than " + OUTPUT_LIMIT + " bytes");
    assertThat(events.get(3).type()).isEqualTo("execution_complete");
  }

  @Test
  void theContextsDirectoryIsMade() throws Exception {
    Path directory = folder.resolve("a/b");

    HttpResponse<String> created =
        client.send(
            "POST", "/code/context", "{\"language\":\"python\",\"cwd\":\"" + directory + "\"}");

    assertThat(created.body()).contains("\"cwd\":\"" + directory + "\"");
    assertThat(directory).isDirectory();
    assertThat(kernels.opened()).containsExactly("python " + directory);
  }

  @Test
  void aContextsDirectoryWithAnUndefinedVariableIsRefused() throws Exception {
    HttpResponse<String> refused =
        client.send("POST", "/code/context", "{\"language\":\"python\",\"cwd\":\"$NOWHERE/x\"}");

    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.body()).contains("INVALID_REQUEST_BODY").contains("NOWHERE");
    assertThat(kernels.opened()).isEmpty();
  }

  @Test
  void contextsAreListedGotAndDeleted() throws Exception {
    String python = create("python");
    String bash = create("bash");

    assertThat(get("/code/contexts?language=bash").body())
        .isEqualTo("[{\"id\":\"" + bash + "\",\"language\":\"bash\"}]");
    assertThat(get("/code/contexts/" + python).body())
        .isEqualTo("{\"id\":\"" + python + "\",\"language\":\"python\"}");
    assertThat(client.send("DELETE", "/code/contexts?language=bash", "").statusCode())
        .isEqualTo(200);
    assertThat(client.send("DELETE", "/code/contexts/" + python, "").statusCode()).isEqualTo(200);
    assertThat(get("/code/contexts").body()).isEqualTo("[]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "POST | /code | {} | 400 | INVALID_REQUEST_BODY",
        "POST | /code | {\"code\":\"\"} | 400 | INVALID_REQUEST_BODY",
        "POST | /code | {\"code\":1} | 400 | INVALID_REQUEST_BODY",
        "POST | /code | {\"code\":\"1\",\"context\":{\"language\":\"cobol\"}} | 500 | RUNTIME_ERROR",
        "POST | /code | {\"code\":\"1\",\"context\":{\"language\":\"go\"}} | 500 | RUNTIME_ERROR",
        "POST | /code | {\"code\":\"1\",\"context\":{\"language\":\"python\",\"id\":\"x\"}} | 404 |"
            + " CONTEXT_NOT_FOUND",
        "POST | /code/context | {\"language\":\"cobol\"} | 400 | INVALID_REQUEST_BODY",
        "POST | /code/context | {\"language\":\"go\"} | 500 | RUNTIME_ERROR",
        "GET | /code/contexts?language=sql |  | 500 | RUNTIME_ERROR",
        "GET | /code/contexts/x |  | 404 | CONTEXT_NOT_FOUND",
        "DELETE | /code/contexts/x |  | 404 | CONTEXT_NOT_FOUND",
        "DELETE | /code/contexts |  | 400 | MISSING_QUERY",
        "DELETE | /code |  | 400 | MISSING_QUERY",
      })
  void refuses(String method, String path, String body, int status, String code) throws Exception {
    HttpResponse<String> response = client.send(method, path, body == null ? "" : body);

    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(response.body()).contains("\"code\":\"" + code + "\"");
  }

  @Test
  void withoutLanguageItIsAShellCommand() throws Exception {
    List<Event> events = client.stream("/code", "{\"code\":\"echo from the shell\"}");

    assertThat(events).contains(new Event("stdout", "from the shell"));
  }

  @Test
  void sqlWithoutAServerIsAnInitError() throws Exception {
    List<Event> events =
        client.stream("/code", "{\"code\":\"SELECT 1\",\"context\":{\"language\":\"sql\"}}");

    assertThat(events.getLast().text()).startsWith("DBInitError cannot use the database");
  }

  private String create(String language) throws Exception {
    HttpResponse<String> response =
        client.send("POST", "/code/context", "{\"language\":\"" + language + "\"}");
    JsonObject body = JsonParser.parseObject(response.body().getBytes(StandardCharsets.UTF_8));
    return body.stringOrEmpty("id");
  }

  private HttpResponse<String> get(String path) throws Exception {
    return client.send("GET", path, "");
  }

  private static String code(String code, String language, String id) {
    return "{\"code\":\"%s\",\"context\":{\"id\":\"%s\",\"language\":\"%s\"}}"
        .formatted(code, id, language);
  }
}
