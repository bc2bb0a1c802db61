package io.opensandbox.execd.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.envfile.EnvFileSource;
import io.opensandbox.execd.event.EventClient;
import io.opensandbox.execd.event.EventClient.Event;
import io.opensandbox.execd.http.HttpLimits;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.http.Unrecorded;
import io.opensandbox.execd.log.Level;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.process.TestBroker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class CommandRoutesTest {
  private static final Event COMPLETE = new Event("execution_complete", "");
  private static final Map<String, String> ENVIRONMENT =
      Map.of("PATH", "/usr/local/bin:/usr/bin:/bin", "HOME", "/root", "PLACE", "/usr");

  @RegisterExtension static final TestBroker broker = new TestBroker();

  @TempDir Path folder;
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
  private CommandLog log;
  private TestServer server;
  private EventClient client;

  @BeforeEach
  void startServer() throws IOException {
    Path envFile = folder.resolve("env");
    var limits = new CommandLimits(20, Duration.ofHours(1), 300, 1 << 20, 8 << 20);
    log = new CommandLog(folder.resolve("output"), limits, Clock.systemUTC());
    var envFiles = new EnvFileSource(envFile::toString, ENVIRONMENT, _ -> {});
    var routes =
        new CommandRoutes(
            broker.spawner(),
            log,
            new CommandPlanner(envFiles, PathExpansion::expandText),
            AccountDatabase.ofSystem(),
            Clock.systemUTC(),
            () -> UUID.randomUUID().toString(),
            messages());
    var router = new Router().add("DELETE", "/command", new InterruptRoute(List.of(routes)));
    routes.register(router);
    server = new TestServer(router, HttpLimits.DEFAULT);
    client = new EventClient(server.server().port());
  }

  private Log messages() throws IOException {
    return Log.open(Level.INFO, List.of("stdout"), logged, logged, Clock.systemUTC());
  }

  /// Leaves nothing behind that still writes into the folder, which is about to be deleted.
  @AfterEach
  void stopServer() throws IOException {
    client.close();
    for (Command command : log.all()) {
      command.interrupt(Duration.ZERO);
    }
    while (log.unfinished() > 0) {
      Thread.onSpinWait();
    }
    server.close();
  }

  @Test
  void streamHasTheContractsHeadersAndOrder() throws Exception {
    try (EventClient.Stream stream = client.open("POST", "/command", command("echo hello"))) {
      List<Event> events = stream.rest();

      assertThat(events.getFirst().type()).isEqualTo("init");
      assertThat(events.subList(1, events.size()))
          .isEqualTo(List.of(new Event("stdout", "hello"), COMPLETE));
      assertThat(stream.pings()).isPositive();
      assertThat(stream.headers())
          .containsEntry("content-type", List.of("text/event-stream"))
          .containsEntry("cache-control", List.of("no-cache"))
          .containsEntry("x-accel-buffering", List.of("no"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "exit 3, CommandExecError 3 [exit status 3]",
    "kill -9 $$, CommandExecError -1 [signal: killed]",
    "kill -TERM $$, CommandExecError -1 [signal: terminated]"
  })
  void failureIsAnErrorWithoutCompletion(String script, String error) throws Exception {
    assertThat(run(command(script))).isEqualTo(List.of(new Event("error", error)));
  }

  @Test
  void unknownCommandFailsWith127AndTheShellsMessage() throws Exception {
    List<Event> events = run(command("surely-not-here"));

    assertThat(events.getFirst().text()).contains("surely-not-here").contains("not found");
    assertThat(events.getLast().text()).isEqualTo("CommandExecError 127 [exit status 127]");
  }

  @Test
  void theShellCallsItselfByItsName() throws Exception {
    assertThat(run(command("echo $0 $#")))
        .isEqualTo(List.of(new Event("stdout", "bash 0"), COMPLETE));
  }

  @Test
  void textOfACommandIsLoggedWithoutItsSecrets() throws Exception {
    run(command("echo --password hunter2"));

    while (!logged.toString(StandardCharsets.UTF_8).contains("echo --password ****")) {
      Thread.onSpinWait();
    }
    assertThat(logged.toString(StandardCharsets.UTF_8)).doesNotContain("hunter2");
  }

  @Test
  void missingProgramIsAnErrorAndLeavesNoRecord() throws Exception {
    List<Event> events = client.stream("/command", "{\"argv\":[\"surely-not-here\"]}");

    assertThat(events.getLast().text()).contains("\"surely-not-here\": executable file not found");
    assertThat(client.send("GET", "/command/status/" + events.getFirst().text(), "").statusCode())
        .isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"false", "true"})
  void unrecordedCommandRunsLikeAnyOtherAndLeavesNothing(String background) throws Exception {
    Path made = folder.resolve("made");
    String body =
        "{\"background\":%s,\"command\":\"seq 1 20000; touch %s\"}".formatted(background, made);

    List<Event> events = client.stream("/command", body, Unrecorded.HEADER, "1");

    assertThat(events.getFirst().type()).isEqualTo("init");
    assertThat(events.getLast()).isEqualTo(COMPLETE);
    String id = events.getFirst().text();
    assertThat(client.send("GET", "/command", "").body()).isEqualTo("[]");
    assertThat(client.send("GET", "/command/status/" + id, "").statusCode()).isEqualTo(404);
    while (log.unfinished() > 0) { // dropped a moment after the last event
      Thread.onSpinWait();
    }
    assertThat(made).exists();
    assertThat(logged.toString(StandardCharsets.UTF_8)).doesNotContain(id);
    try (Stream<Path> files = Files.list(folder.resolve("output"))) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void timeoutEndsTheWholeGroup() throws Exception {
    List<Event> events = run("{\"command\":\"sleep 170 & sleep 170; true\",\"timeout\":200}");

    assertThat(events).hasSize(1); // killed when it has not obeyed after a second
    assertThat(events.getFirst().text())
        .matches("CommandExecError -1 \\[signal: (terminated|killed)]");
  }

  @Test
  void environmentIsExecdsThenTheFilesThenTheRequests() throws Exception {
    Files.writeString(folder.resolve("env"), "A=file\nB=file\nC=$PLACE/lib\n");

    List<Event> events = run("{\"command\":\"echo $A $B $C $PLACE\",\"envs\":{\"B\":\"request\"}}");

    assertThat(events.getFirst()).isEqualTo(new Event("stdout", "file request /usr/lib /usr"));
  }

  @Test
  void folderIsExpanded() throws Exception {
    assertThat(run("{\"command\":\"pwd\",\"cwd\":\"$PLACE\"}").getFirst().text()).isEqualTo("/usr");
  }

  @Test
  void argvRunsWithoutAShell_andStdinIsRead() throws Exception {
    List<Event> events = run("{\"argv\":[\"cat\",\"-\"],\"stdin\":\"a $HOME\\nb\"}");

    assertThat(events)
        .isEqualTo(List.of(new Event("stdout", "a $HOME"), new Event("stdout", "b"), COMPLETE));
  }

  @Test
  void runsAsAnotherUserByNumberOrName() throws Exception {
    org.junit.jupiter.api.Assumptions.assumeTrue(
        "root".equals(System.getProperty("user.name")), "needs root");

    assertThat(run("{\"command\":\"id -u; id -g\",\"uid\":4321}").subList(0, 2))
        .isEqualTo(List.of(new Event("stdout", "4321"), new Event("stdout", "4321")));
    assertThat(run("{\"command\":\"id -un\",\"uid\":\"nobody\"}").getFirst().text())
        .isEqualTo("nobody");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "{}",
        "{\"command\":\"\"}",
        "{\"command\":5}",
        "{\"command\":\"x\",\"timeout\":-1}",
        "{\"command\":\"x\",\"timeout\":1.5}",
        "{\"command\":\"x\",\"gid\":1}",
        "{\"command\":\"x\",\"uid\":-1}",
        "{\"command\":\"x\",\"uid\":4294967295}",
        "{\"command\":\"x\",\"uid\":\"surely-nobody\"}",
        "{\"command\":\"x\",\"cwd\":\"/surely/not\"}",
        "{\"command\":\"x\",\"cwd\":\"/etc/passwd\"}",
        "{\"command\":\"x\",\"cwd\":\"$SURELY_NOT\"}",
        "{\"command\":\"x\",\"envs\":{\"A=B\":\"\"}}",
        "{\"command\":\"x\",\"argv\":[\"x\"]}",
        "{\"argv\":[]}",
        "{\"argv\":[1]}"
      })
  void badRequestsAreRefusedBeforeTheStream(String body) throws Exception {
    HttpResponse<String> response = client.send("POST", "/command", body);

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(response.body()).contains("\"code\":\"INVALID_REQUEST_BODY\"", "\"message\":");
    assertThat(client.send("GET", "/command", "").body()).isEqualTo("[]");
  }

  @Test
  void nullsAreAbsent() throws Exception {
    String body =
        "{\"command\":\"echo x\",\"cwd\":null,\"timeout\":null,\"uid\":null,\"gid\":null,"
            + "\"envs\":null,\"background\":null}";

    assertThat(run(body)).isEqualTo(List.of(new Event("stdout", "x"), COMPLETE));
  }

  @Test
  void statusTellsTheLifeOfACommand() throws Exception {
    try (EventClient.Stream stream =
        client.open("POST", "/command", command("read x; sleep 0.2; exit 4"))) {
      String id = stream.next().text();
      stream.rest();

      String status = client.send("GET", "/command/status/" + id, "").body();

      assertThat(status)
          .contains("\"id\":\"" + id + "\"", "\"running\":false", "\"exit_code\":4")
          .contains("\"error\":\"exit status 4\"", "\"started_at\":\"", "\"finished_at\":\"");
    }
  }

  @Test
  void backgroundCommandAnswersAtOnceAndLogsBothStreams() throws Exception {
    List<Event> events =
        client.stream(
            "/command",
            "{\"command\":\"echo one; echo two >&2; sleep 0.3; printf three\",\"background\":true}");
    String id = events.getFirst().text();
    assertThat(events).isEqualTo(List.of(new Event("init", id), COMPLETE));

    var output = new StringBuilder();
    String cursor = "0";
    while (client.send("GET", "/command/status/" + id, "").body().contains("\"running\":true")
        || output.indexOf("three") < 0) {
      HttpResponse<String> logs =
          client.send("GET", "/command/" + id + "/logs?cursor=" + cursor, "");
      output.append(logs.body());
      cursor = logs.headers().firstValue("EXECD-COMMANDS-TAIL-CURSOR").orElseThrow();
    }

    assertThat(output.toString()).isEqualTo("one\ntwo\nthree");
    assertThat(cursor).isEqualTo("13");
  }

  @Test
  void logsWithoutTextHaveNoLengthThatAClientMayMistakeForNoAnswer() throws Exception {
    String id =
        client.stream("/command", "{\"command\":\"exec sleep 600\",\"background\":true}")
            .getFirst()
            .text();

    HttpResponse<String> logs = client.send("GET", "/command/" + id + "/logs", "");

    assertThat(logs.statusCode()).isEqualTo(200);
    assertThat(logs.body()).isEmpty();
    assertThat(logs.headers().firstValue("Content-Length")).isEmpty();
    assertThat(logs.headers().firstValue("EXECD-COMMANDS-TAIL-CURSOR")).hasValue("0");
    client.send("DELETE", "/command?id=" + id, "");
  }

  @Test
  void logsRefuseWhatTheyCannotShow() throws Exception {
    String id = client.stream("/command", command("true")).getFirst().text();

    assertThat(client.send("GET", "/command/nope/logs", "").statusCode()).isEqualTo(400);
    assertThat(client.send("GET", "/command/" + id + "/logs", "").body())
        .contains("is not running in background");
    assertThat(client.send("GET", "/command/status/nope", "").body())
        .isEqualTo("{\"code\":\"INVALID_REQUEST_BODY\",\"message\":\"command not found: nope\"}");
  }

  @Test
  void interruptEndsTheGroupAndReturnsWhenItIsGone() throws Exception {
    try (EventClient.Stream stream = client.open("POST", "/command", command("sleep 170"))) {
      String id = stream.next().text();

      assertThat(client.send("DELETE", "/command?id=" + id, "").statusCode()).isEqualTo(200);

      assertThat(stream.rest())
          .isEqualTo(List.of(new Event("error", "CommandExecError -1 [signal: terminated]")));
      assertThat(client.send("DELETE", "/command?id=" + id, "").statusCode()).isEqualTo(500);
      assertThat(client.send("DELETE", "/command?id=nope", "").statusCode()).isEqualTo(404);
      assertThat(client.send("DELETE", "/command", "").body()).contains("MISSING_QUERY");
    }
  }

  @Test
  void clientThatLeavesDoesNotEndTheCommand() throws Exception {
    Path mark = folder.resolve("mark");
    String id;
    try (EventClient.Stream stream =
        client.open("POST", "/command", command("echo go; sleep 0.5; touch " + mark))) {
      id = stream.next().text();
      stream.next();
    }

    try (EventClient.Stream stream = client.open("GET", "/command/" + id + "/stream", "")) {
      assertThat(stream.rest().getLast()).isEqualTo(COMPLETE);
    }
    assertThat(mark).exists();
  }

  @Test
  void brokenStreamIsResumedAfterTheLastEvent() throws Exception {
    String id = client.stream("/command", command("seq 1 5")).getFirst().text();

    try (EventClient.Stream stream =
        client.open("GET", "/command/" + id + "/stream", "", "Last-Event-ID", "4")) {
      assertThat(stream.rest())
          .isEqualTo(List.of(new Event("stdout", "4"), new Event("stdout", "5"), COMPLETE));
    }
  }

  @Test
  void sameIdempotencyKeyStartsOnce() throws Exception {
    Path counter = folder.resolve("counter");
    String body = command("echo x >> " + counter + "; sleep 0.3; wc -l < " + counter);
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<List<Event>>> all =
          IntStream.range(0, 5)
              .mapToObj(
                  _ -> tasks.submit(() -> client.stream("/command", body, "Idempotency-Key", "k1")))
              .toList();
      var results = new ArrayList<List<Event>>();
      for (Future<List<Event>> one : all) {
        results.add(one.get());
      }

      assertThat(results).allMatch(results.getFirst()::equals);
      assertThat(results.getFirst().get(1)).isEqualTo(new Event("stdout", "1"));
    }
    assertThat(
            client.send("POST", "/command", command("true"), "Idempotency-Key", "k1").statusCode())
        .isEqualTo(409);
  }

  @Test
  void oldRecordsAndTheirFilesAreDropped() throws Exception {
    for (int i = 0; i < 30; i++) {
      client.stream("/command", command("seq 1 2000"));
    }

    while (log.unfinished() > 0) { // dropped a moment after the last event
      Thread.onSpinWait();
    }
    String list = client.send("GET", "/command", "").body();

    assertThat(list.split("\"id\"", -1)).hasSize(21);
    try (Stream<Path> files = Files.list(folder.resolve("output"))) {
      assertThat(files).hasSize(20);
    }
  }

  @Test
  void twoHundredAtOnceAreCompleteAndInOrder() throws Exception {
    List<Event> expected = new ArrayList<>();
    IntStream.rangeClosed(1, 300).forEach(i -> expected.add(new Event("stdout", "" + i)));
    expected.add(COMPLETE);
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<List<Event>>> all =
          IntStream.range(0, 200)
              .mapToObj(_ -> tasks.submit(() -> run(command("seq 1 300"))))
              .toList();
      for (Future<List<Event>> one : all) {
        assertThat(one.get()).isEqualTo(expected);
      }
    }
  }

  @Test
  void readerThatDoesNotReadStopsTheCommand() throws Exception {
    Path progress = folder.resolve("progress");
    String script =
        "for i in $(seq 1 2000); do head -c 100000 /dev/zero | tr '\\\\0' x; echo; echo $i > "
            + progress
            + "; done";
    try (EventClient.Stream stream = client.open("POST", "/command", command(script))) {
      String id = stream.next().text();

      long reached = awaitStandstill(progress);

      assertThat(reached).isLessThan(1900);
      assertThat(client.send("DELETE", "/command?id=" + id, "").statusCode()).isEqualTo(200);
    }
  }

  /// The number in the file once it has not changed for half a second.
  private static long awaitStandstill(Path file) throws IOException {
    long last = -1;
    long since = System.nanoTime();
    while (System.nanoTime() - since < 500_000_000L) {
      String text = Files.exists(file) ? Files.readString(file).strip() : "";
      long now = text.isEmpty() ? last : Long.parseLong(text);
      if (now != last || now < 0) {
        last = now;
        since = System.nanoTime();
      }
      Thread.onSpinWait();
    }
    return last;
  }

  private List<Event> run(String body) throws Exception {
    List<Event> events = client.stream("/command", body);
    assertThat(events.getFirst().type()).isEqualTo("init");
    return events.subList(1, events.size());
  }

  private static String command(String script) {
    return "{\"command\":\"" + script + "\"}";
  }
}
