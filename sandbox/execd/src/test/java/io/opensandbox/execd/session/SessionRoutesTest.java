package io.opensandbox.execd.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.command.CommandPlanner;
import io.opensandbox.execd.command.InterruptRoute;
import io.opensandbox.execd.envfile.EnvFileSource;
import io.opensandbox.execd.event.EventClient;
import io.opensandbox.execd.event.EventClient.Event;
import io.opensandbox.execd.http.HttpLimits;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.process.TestBroker;
import io.opensandbox.protocol.execd.LateEnvironment;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class SessionRoutesTest {
  private static final Event COMPLETE = new Event("execution_complete", "");

  @RegisterExtension static final TestBroker broker = new TestBroker();

  @TempDir Path folder;
  private TestServer server;
  private EventClient client;

  @BeforeEach
  void start() throws IOException {
    start(Map.of("PATH", "/usr/bin:/bin", "HOME", "/root", "LC_ALL", "C.UTF-8"));
  }

  private void start(Map<String, String> environment) throws IOException {
    var envFile = new EnvFileSource(folder.resolve("env")::toString, environment, _ -> {});
    var planner = new CommandPlanner(envFile, PathExpansion::expandText);
    var sessions = new Sessions();
    var runner =
        new SessionRunner(
            broker.spawner(), sessions, envFile::sandbox, Clock.systemUTC(), System.err::println);
    var routes =
        new SessionRoutes(
            sessions,
            runner,
            new SessionFolders(envFile::sandbox, PathExpansion::expandText, planner),
            Clock.systemUTC(),
            () -> UUID.randomUUID().toString());
    var router = new Router().add("DELETE", "/command", new InterruptRoute(List.of(routes)));
    routes.register(router);
    server = new TestServer(router, HttpLimits.DEFAULT);
    client = new EventClient(server.server().port());
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void sandboxesEnvironmentIsTheSessionsToo_linesForCommandsAreNot() throws Exception {
    Files.writeString(
        folder.resolve("env"),
        "TOOL=x\n" + LateEnvironment.BEGIN + "\nHOME=" + folder + "\n" + LateEnvironment.END);
    String session = create("{\"cwd\":\"~/made\"}");

    assertThat(texts(run(session, "pwd; echo \"$HOME ${TOOL-unset}\"")))
        .startsWith(folder + "/made", folder + " unset");
  }

  @Test
  void stateOfEveryKindAndContentIsKept() throws Exception {
    String session = create("{}");
    run(
        session,
        """
        A=$'new\\nline \\'q\\' $x `y` \\\\ ü'; export B="two  words"; E=
        arr=(1 "2 3" $'4\\n5'); declare -A map=([k]="v w" [$'a\\nb']=z); declare -i n=5; readonly R=7
        f() { echo "in f: $1"; }; export -f f; alias ll='echo aliased'
        shopt -s nullglob; set -o pipefail; umask 027; unset HOME; IFS=:; cd /usr
        """);

    List<Event> events =
        run(
            session,
            """
            declare -p A B E arr n R IFS; echo "${map[$'a\\nb']} ${map[k]}"; f x; bash -c 'f y'; ll z
            shopt nullglob | tr '\\t' ' '; set -o | grep -c 'pipefail.*on'; umask; echo ${HOME-unset}; pwd
            """);

    assertThat(texts(events))
        .isEqualTo(
            List.of(
                "declare -- A=$'new\\nline \\'q\\' $x `y` \\\\ ü'",
                "declare -x B=\"two  words\"",
                "declare -- E=\"\"",
                "declare -a arr=([0]=\"1\" [1]=\"2 3\" [2]=$'4\\n5')",
                "declare -i n=\"5\"",
                "declare -r R=\"7\"",
                "declare -- IFS=\":\"",
                "z v w",
                "in f: x",
                "in f: y",
                "aliased z",
                "nullglob        on",
                "1",
                "0027",
                "unset",
                "/usr",
                ""));
  }

  @Test
  void streamsAreApart_blankLinesAreKept_andLinesCountFromOne() throws Exception {
    List<Event> events = run(create(""), "echo a; echo; printf b\nnope");

    assertThat(events)
        .contains(new Event("stdout", "a"), new Event("stdout", "\n"), new Event("stdout", "b"))
        .contains(new Event("stderr", "bash: line 2: nope: command not found"))
        .endsWith(new Event("error", "CommandExecError 127 [exit status 127]"));
  }

  @Test
  void runThatExitsLeavesTheStateAsItWas() throws Exception {
    String session = create("{}");
    run(session, "A=1; cd /usr");

    assertThat(run(session, "A=2; cd /; exit 7"))
        .isEqualTo(List.of(new Event("error", "CommandExecError 7 [exit status 7]")));
    assertThat(texts(run(session, "echo $A; pwd"))).isEqualTo(List.of("1", "/usr", ""));
  }

  @Test
  void errexitIsKeptAndEndsALaterRun() throws Exception {
    String session = create("{}");
    run(session, "set -e");

    assertThat(run(session, "false; echo no"))
        .isEqualTo(List.of(new Event("error", "CommandExecError 1 [exit status 1]")));
  }

  @Test
  void folderIsMadeAtCreation_andARunsFolderStays() throws Exception {
    String session = create("{\"cwd\":\"" + folder + "/a/b\"}");

    assertThat(texts(run(session, "pwd"))).startsWith(folder + "/a/b");
    assertThat(
            texts(
                client.stream(
                    "/session/" + session + "/run", "{\"command\":\"pwd\",\"cwd\":\"/usr\"}")))
        .contains("/usr");
    assertThat(texts(run(session, "pwd"))).startsWith("/usr");
  }

  @Test
  void folderThatIsGoneIsToldAndTheSessionGoesOn() throws Exception {
    String session = create("{\"cwd\":\"" + folder + "/gone\"}");
    Files.delete(folder.resolve("gone"));

    List<Event> events = run(session, "pwd");

    assertThat(events.getFirst().text()).contains("/gone\" is gone, using \"/\"");
    assertThat(events).contains(new Event("stdout", "/")).endsWith(COMPLETE);
  }

  @Test
  void timeoutKillsWhatTheRunStartedAndKeepsTheSession() throws Exception {
    String session = create("{}");
    run(session, "A=kept");

    List<Event> events =
        client.stream(
            "/session/" + session + "/run", "{\"command\":\"sleep 170 | cat\",\"timeout\":200}");

    assertThat(events.getLast().text())
        .isEqualTo("CommandExecError -1 [signal: terminated, timeout after 200ms]");
    assertThat(texts(run(session, "echo $A"))).startsWith("kept");
  }

  @Test
  void runsWaitForEachOther() throws Exception {
    String session = create("{}");
    run(session, "n=0");
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<List<Event>>> all =
          IntStream.range(0, 10)
              .mapToObj(_ -> tasks.submit(() -> run(session, "n=$((n+1))")))
              .toList();
      for (Future<List<Event>> one : all) {
        assertThat(one.get()).isEqualTo(List.of(COMPLETE));
      }
    }

    assertThat(texts(run(session, "echo $n"))).startsWith("10");
  }

  @Test
  void leftBehindChildrenAreNotWaitedFor() throws Exception {
    assertThat(run(create("{}"), "sleep 170 & echo started"))
        .isEqualTo(List.of(new Event("stdout", "started"), COMPLETE));
  }

  @Test
  void deletingKillsTheRun() throws Exception {
    String session = create("{}");
    try (EventClient.Stream stream =
        client.open("POST", "/session/" + session + "/run", body("echo go; sleep 170"))) {
      assertThat(stream.next()).isEqualTo(new Event("init", session));
      assertThat(stream.next()).isEqualTo(new Event("stdout", "go"));

      assertThat(client.send("DELETE", "/session/" + session, "").statusCode()).isEqualTo(200);

      assertThat(stream.rest().getLast().text()).isEqualTo("CommandExecError -1 [signal: killed]");
    }
    assertThat(client.send("DELETE", "/session/" + session, "").body())
        .isEqualTo(
            "{\"code\":\"CONTEXT_NOT_FOUND\",\"message\":\"session " + session + " not found\"}");
    assertThat(client.send("POST", "/session/" + session + "/run", body("true")).statusCode())
        .isEqualTo(404);
  }

  @Test
  void interruptRemovesTheSession() throws Exception {
    String session = create("{}");

    assertThat(client.send("DELETE", "/command?id=" + session, "").statusCode()).isEqualTo(200);
    assertThat(client.send("DELETE", "/session/" + session, "").statusCode()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{}",
        "{\"command\":\"\"}",
        "{\"command\":\"x\",\"timeout\":-1}",
        "{\"command\":\"x\",\"cwd\":\"/nope\"}",
        "{\"command\":\"a\\u0000\"}"
      })
  void badRunsAreRefused(String body) throws Exception {
    assertThat(client.send("POST", "/session/" + create("{}") + "/run", body).statusCode())
        .isEqualTo(400);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/usr/bin/dash", "/usr/bin/busybox"})
  void plainShellKeepsVariablesAliasesAndFolder(String shell) throws Exception {
    Assumptions.assumeTrue(Files.isExecutable(Path.of(shell)), shell + " is missing");
    stop();
    Path bin = Files.createDirectories(folder.resolve("bin"));
    Files.createSymbolicLink(bin.resolve("sh"), Path.of(shell));
    Map<String, String> environment = new HashMap<>(Map.of("PATH", bin.toString()));
    environment.put("HOME", "/root");
    start(environment);
    String session = create("{}");
    run(
        session,
        "A='new\nline \"q\"'; export B=two; alias ll='echo aliased'; unset HOME; cd /usr; set -u");

    List<Event> events =
        run(
            session,
            "echo \"$A\"; echo $B; ll x; echo ${HOME-unset}; pwd; echo $PWD; echo $NONE; echo no");

    assertThat(texts(events).subList(0, 7))
        .isEqualTo(List.of("new", "line \"q\"", "two", "aliased x", "unset", "/usr", "/usr"));
    assertThat(events.getLast().type()).isEqualTo("error");
  }

  private String create(String body) throws Exception {
    String answer = client.send("POST", "/session", body).body();
    return JsonParser.parseObject(answer.getBytes(StandardCharsets.UTF_8))
        .stringOrEmpty("session_id");
  }

  private List<Event> run(String session, String text) throws IOException, InterruptedException {
    List<Event> events = client.stream("/session/" + session + "/run", body(text));
    assertThat(events.getFirst()).isEqualTo(new Event("init", session));
    return events.subList(1, events.size());
  }

  private static String body(String text) {
    return new JsonWriter().beginObject().field("command", text).endObject().toString();
  }

  private static List<String> texts(List<Event> events) {
    return new ArrayList<>(events.stream().map(Event::text).toList());
  }
}
