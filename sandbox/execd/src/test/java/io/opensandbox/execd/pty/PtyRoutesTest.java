package io.opensandbox.execd.pty;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.command.CommandPlanner;
import io.opensandbox.execd.envfile.EnvFileSource;
import io.opensandbox.execd.event.EventClient;
import io.opensandbox.execd.http.HttpLimits;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.process.TestBroker;
import io.opensandbox.execd.session.SessionFolders;
import io.opensandbox.protocol.execd.LateEnvironment;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class PtyRoutesTest {
  @RegisterExtension static final TestBroker broker = new TestBroker();

  @TempDir Path folder;
  private final PtySessions sessions = new PtySessions();
  private final List<String> created = new ArrayList<>();
  private TestServer server;
  private EventClient client;

  @BeforeEach
  void start() throws IOException {
    Map<String, String> environment = Map.of("PATH", "/usr/bin:/bin", "PS1", "> ");
    var envFile = new EnvFileSource(folder.resolve("env")::toString, environment, _ -> {});
    var planner = new CommandPlanner(envFile, PathExpansion::expandText);
    var routes =
        new PtyRoutes(
            sessions,
            new PtyRoutes.Environment(broker.spawner(), envFile::sandbox, folder.resolve("replay")),
            new SessionFolders(envFile::sandbox, PathExpansion::expandText, planner),
            () -> UUID.randomUUID().toString(),
            System.err::println);
    var router = new Router();
    routes.register(router);
    server = new TestServer(router, HttpLimits.DEFAULT);
    client = new EventClient(server.server().port());
  }

  /// Leaves nothing behind that still writes into the folder, which is about to be deleted.
  @AfterEach
  void stop() throws IOException {
    client.close();
    for (String id : created) {
      Optional<PtySession> session = sessions.find(id);
      if (session.isPresent()) {
        session.get().delete();
        while (session.get().isRunning()) {
          Thread.onSpinWait();
        }
      }
    }
    server.close();
  }

  @Test
  void createdSessionIsIdleUntilSomebodyConnects() throws Exception {
    String id = create("{\"cwd\":\"" + folder + "/made\"}");

    assertThat(client.send("GET", "/pty/" + id, "").body())
        .isEqualTo("{\"session_id\":\"" + id + "\",\"running\":false,\"output_offset\":0}");
    assertThat(folder.resolve("made")).isDirectory();
  }

  @Test
  void terminalRunsTheCommandAndTellsItsEnd() throws Exception {
    String id =
        create(
            "{\"cwd\":\"/usr\",\"command\":\"test -t 0 && pwd && echo $TERM && stty size; exit 3\"}");
    try (var terminal = connect(id, "")) {
      terminal.awaitClose();

      assertThat(terminal.texts().getFirst())
          .isEqualTo("{\"type\":\"connected\",\"session_id\":\"" + id + "\",\"mode\":\"pty\"}");
      assertThat(terminal.stdout()).isEqualTo("/usr\r\nxterm-256color\r\n24 80\r\n");
      assertThat(terminal.texts().getLast()).isEqualTo("{\"type\":\"exit\",\"exit_code\":3}");
      assertThat(terminal.closeReason()).isEqualTo("1000 process exited");
    }
  }

  @Test
  void sandboxesEnvironmentIsTheTerminalsToo_linesForCommandsAreNot() throws Exception {
    Files.writeString(
        folder.resolve("env"),
        "TOOL=x\n" + LateEnvironment.BEGIN + "\nCOLOUR=red\n" + LateEnvironment.END);
    try (var terminal =
        connect(create("{\"command\":\"echo \\\"$COLOUR ${TOOL-unset}\\\"\"}"), "")) {
      terminal.awaitClose();

      assertThat(terminal.stdout()).isEqualTo("red unset\r\n");
    }
  }

  @Test
  void inputResizeAndPingAreObeyed() throws Exception {
    try (var terminal = connect(create(""), "")) {
      terminal.awaitStdout("> ");
      terminal.sendText("{\"type\":\"resize\",\"cols\":120,\"rows\":40}");
      terminal.sendInput("stty size; echo do''ne\n");
      terminal.awaitStdout("done");
      assertThat(terminal.stdout()).contains("40 120");
      terminal.sendText("{\"type\":\"stdin\",\"data\":\"echo by te''xt\\n\"}");
      terminal.awaitStdout("by text");
      terminal.sendText("{\"type\":\"ping\"}");
      terminal.awaitText("{\"type\":\"pong\"}");
      terminal.sendText("{\"type\":\"nope\"}");
      terminal.awaitText("\"code\":\"INVALID_FRAME\"");
      terminal.sendText("{nope");
      terminal.sendBinary(new byte[0]);
      terminal.sendBinary(new byte[] {9, 9});
      terminal.sendInput("exit 4\n");
      terminal.awaitText("{\"type\":\"exit\",\"exit_code\":4}");
    }
  }

  @Test
  void signalReachesTheJobInTheForeground() throws Exception {
    // One process that any signal ends; a shell in the middle of a fork may lose one.
    Path news = Files.writeString(folder.resolve("news"), "ready\n");
    try (var terminal = connect(create(""), "")) {
      terminal.awaitStdout("> ");
      terminal.sendInput("tail -f " + news + "\n");
      terminal.awaitStdout("ready");
      terminal.sendText("{\"type\":\"signal\",\"signal\":\"SIGINT\"}");
      terminal.sendInput("echo status $?\n");
      terminal.awaitStdout("status 130");
    }
  }

  @Test
  void clientThatDoesNotRead_holdsUpNeitherRequestsNorItsSuccessor() throws Exception {
    String id = create("{\"command\":\"head -c 30000000 /dev/zero | tr '\\\\0' y; sleep 170\"}");
    try (var _ = DeafClient.connect(server.server().port(), "/pty/" + id + "/ws?pty=0")) {
      long offset = awaitStandstill(id);

      try (var second = connect(id, "?takeover=1&since=" + offset)) {
        second.awaitStdout("yyyy");
      }
    }
    assertThat(client.send("DELETE", "/pty/" + id, "").statusCode()).isEqualTo(200);
  }

  @Test
  void pipesCarryInputAndOutput() throws Exception {
    try (var terminal =
        connect(create("{\"command\":\"cat; echo err >&2; kill -9 $$\"}"), "?pty=0")) {
      terminal.awaitText("\"mode\":\"pipe\"");
      terminal.sendInput("hello\n");
      terminal.awaitStdout("hello\n");
    }
  }

  @Test
  void pipeModeReportsStderrAndSignalledEnd() throws Exception {
    try (var terminal = connect(create("{\"command\":\"echo err >&2; kill -9 $$\"}"), "?pty=0")) {
      terminal.awaitClose();

      assertThat(terminal.stderr()).isEqualTo("err\n");
      assertThat(terminal.texts().getLast()).isEqualTo("{\"type\":\"exit\",\"exit_code\":-1}");
    }
  }

  @Test
  void disconnectedClientGetsWhatItMissed() throws Exception {
    String id = create("{\"command\":\"read a; echo one; read b; echo two; sleep 170\"}");
    try (var terminal = connect(id, "?pty=0")) {
      terminal.sendInput("\n");
      terminal.awaitStdout("one\n");
      terminal.sendInput("\n");
    }
    while (!client.send("GET", "/pty/" + id, "").body().contains("\"output_offset\":8")) {
      Thread.onSpinWait();
    }

    try (var terminal = connectWhenFree(id, "?since=4")) {
      terminal.awaitText("connected");
      assertThat(terminal.replay()).isEqualTo("4 two\n");
    }
    try (var terminal = connectWhenFree(id, "")) {
      terminal.awaitText("connected");
      assertThat(terminal.replay()).isEqualTo("0 one\ntwo\n");
    }
    try (var terminal = connectWhenFree(id, "?since=8")) {
      terminal.awaitText("connected");
      assertThat(terminal.replay()).isEmpty();
    }
    assertThat(client.send("DELETE", "/pty/" + id, "").statusCode()).isEqualTo(200);
  }

  @Test
  void secondClientIsRefusedUnlessItTakesOver() throws Exception {
    String id = create("");
    try (var first = connect(id, "")) {
      first.awaitStdout("> ");
      assertThat(TerminalClient.status(server.server().port(), "/pty/" + id + "/ws"))
          .isEqualTo(409);

      try (var second = connect(id, "?takeover=1")) {
        second.awaitText("connected");
        first.awaitClose();
        assertThat(first.closeReason()).isEqualTo("4001 TAKEN_OVER");
        second.sendInput("echo mi''ne\n");
        second.awaitStdout("mine");
      }
    }
  }

  @Test
  void viewersSeeButCannotType() throws Exception {
    String id = create("");
    try (var holder = connect(id, "");
        var viewer = connect(id, "?view=1")) {
      viewer.awaitText("connected");
      viewer.sendInput("echo from vie''wer\n");
      holder.awaitStdout("> ");
      holder.sendInput("echo from hol''der; exit\n");
      viewer.awaitStdout("from holder");
      viewer.awaitClose();
      assertThat(viewer.stdout()).doesNotContain("from viewer");
    }
  }

  @Test
  void endedSessionStartsAgain_offsetsGoOn() throws Exception {
    String id = create("{\"command\":\"echo x\"}");
    for (int i = 0; i < 2; i++) {
      try (var terminal = connectWhenFree(id, "?since=99")) {
        terminal.awaitClose();
        assertThat(terminal.stdout()).isEqualTo("x\r\n");
      }
    }

    assertThat(client.send("GET", "/pty/" + id, "").body())
        .contains("\"running\":false,\"output_offset\":6");
  }

  @Test
  void deletingKillsTheProcessAndForgetsTheSession() throws Exception {
    String id = create("{\"command\":\"sleep 170\"}");
    try (var terminal = connect(id, "")) {
      terminal.awaitText("connected");

      assertThat(client.send("DELETE", "/pty/" + id, "").statusCode()).isEqualTo(200);

      terminal.awaitClose();
      assertThat(terminal.texts().getLast()).isEqualTo("{\"type\":\"exit\",\"exit_code\":-1}");
    }
    assertThat(client.send("GET", "/pty/" + id, "").body())
        .isEqualTo(
            "{\"code\":\"CONTEXT_NOT_FOUND\",\"message\":\"pty session " + id + " not found\"}");
    try (var files = Files.list(folder)) {
      assertThat(files.filter(file -> file.toString().endsWith(".replay"))).isEmpty();
    }
  }

  @Test
  void badRequestsAreRefused() throws Exception {
    String id = create("");

    assertThat(client.send("POST", "/pty", "{").statusCode()).isEqualTo(400);
    assertThat(client.send("POST", "/pty", "{\"cwd\":\"/proc/nope\"}").statusCode()).isEqualTo(500);
    assertThat(client.send("GET", "/pty/" + id + "/ws", "").statusCode()).isEqualTo(400);
    assertThat(client.send("GET", "/pty/nope/ws", "").statusCode()).isEqualTo(404);
    assertThat(client.send("DELETE", "/pty/nope", "").statusCode()).isEqualTo(404);
  }

  @Test
  void replayKeepsTheNewestBytesOnly() throws Exception {
    String id =
        create("{\"command\":\"head -c 3000000 /dev/zero | tr '\\\\0' x; printf END; sleep 170\"}");
    try (var terminal = connect(id, "?pty=0")) {
      terminal.awaitStdout("END");
    }

    try (var terminal = connectWhenFree(id, "")) {
      terminal.awaitText("connected");
      assertThat(terminal.replay())
          .hasSize((1 << 20) + "1951427 ".length())
          .startsWith("1951427 ")
          .endsWith("xEND");
    }
    client.send("DELETE", "/pty/" + id, "");
  }

  private String create(String body) throws Exception {
    var response = client.send("POST", "/pty", body);
    assertThat(response.statusCode()).isEqualTo(201);
    String id =
        JsonParser.parseObject(response.body().getBytes(StandardCharsets.UTF_8))
            .stringOrEmpty("session_id");
    created.add(id);
    return id;
  }

  /// Waits until the process is stopped by a client that does not read; gives how much it wrote.
  private long awaitStandstill(String id) throws Exception {
    long before = -1;
    long offset = 0;
    for (int same = 0; same < 3; same = offset > 0 && offset == before ? same + 1 : 0) {
      before = offset;
      offset =
          JsonParser.parseObject(
                  client.send("GET", "/pty/" + id, "").body().getBytes(StandardCharsets.UTF_8))
              .integer("output_offset", 0, Long.MAX_VALUE)
              .orElse(0);
    }
    return offset;
  }

  private TerminalClient connect(String id, String query) {
    return TerminalClient.connect(server.server().port(), "/pty/" + id + "/ws" + query);
  }

  /// The server learns a moment later than the client that a connection is over.
  private TerminalClient connectWhenFree(String id, String query) {
    while (true) {
      try {
        return connect(id, query);
      } catch (java.util.concurrent.CompletionException _) { // 409
        Thread.onSpinWait();
      }
    }
  }
}
