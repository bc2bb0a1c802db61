package io.opensandbox.execd.isolated;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.execd.process.Spawner;
import io.opensandbox.execd.process.TestBroker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Needs the launcher's broker and a machine where bubblewrap works; skips itself elsewhere.
@Timeout(180)
class IsolatedRoutesTest {
  private static final String BASE = "/v1/isolated/session";
  @RegisterExtension static final TestBroker broker = new TestBroker();

  @TempDir private Path directory;
  private IsolatedRoutes routes;
  private TestServer server;
  private Path workspace;

  @BeforeEach
  void start() throws IOException {
    Router router = new Router();
    routes = routes(broker.spawner());
    routes.register(router);
    server = new TestServer(router);
    workspace = Files.createDirectory(directory.resolve("ws"));
    Files.writeString(workspace.resolve("kept"), "kept");
    Files.writeString(workspace.resolve("gone"), "gone");
    boolean available =
        server.get("/v1/isolated/capabilities").body().contains("\"available\":true,");
    Assumptions.assumeTrue(available, "bubblewrap does not work here");
  }

  @AfterEach
  void stop() {
    routes.close();
    server.close();
  }

  private IsolatedRoutes routes(Spawner spawner) {
    AtomicInteger ids = new AtomicInteger();
    Map<String, String> variables =
        Map.of("PATH", "/usr/local/bin:/usr/bin:/bin", "MY_API_KEY", "hush", "GREETING", "hi");
    return new IsolatedRoutes(
        new IsolatedRoutes.Environment(
            spawner,
            variables,
            directory.resolve("sessions"),
            new IsolatedRoutes.Tools(() -> Optional.of(TestBroker.launcher()), List.of()),
            Clock.system(ZoneOffset.UTC),
            () -> "id-" + ids.incrementAndGet(),
            warning -> {
              throw new AssertionError(warning);
            }));
  }

  private String create(String mode) throws IOException {
    return create(mode, "");
  }

  private String create(String mode, String more) throws IOException {
    String body =
        "{\"workspace\":{\"path\":\"" + workspace + "\",\"mode\":\"" + mode + "\"}" + more + "}";
    RawClient.Response response = server.send("POST", BASE, body);
    assertThat(response.status()).as(response.body()).isEqualTo(201);
    return BASE + "/" + json(response).stringOrEmpty("session_id");
  }

  private static JsonObject json(RawClient.Response response) {
    return JsonParser.parseObject(response.body().getBytes(StandardCharsets.UTF_8));
  }

  private String run(String session, String code) throws IOException {
    RawClient.Response response =
        server.send(
            "POST",
            session + "/run",
            "{\"code\":\"" + code.replace("\\", "\\\\").replace("\"", "\\\"") + "\"}");
    assertThat(response.status()).as(response.body()).isEqualTo(200);
    return response.body();
  }

  @Test
  void runsCodeWithoutSecretsInNamespacesOfItsOwn() throws IOException {
    String session = create("overlay");

    String events =
        run(
            session,
            "echo $GREETING-$MY_API_KEY; hostname; pwd; ls /tmp | wc -l; touch /etc/x; exit 3");

    assertThat(events)
        .startsWith("{\"type\":\"init\"")
        .contains("\"text\":\"hi-\"", "\"text\":\"sandbox\"", "\"text\":\"" + workspace + "\"")
        .contains("\"type\":\"stderr\"")
        .contains("\"ename\":\"ExitError\",\"evalue\":\"3\"", "\"exit_code\":3", "\"run_id\":\"")
        .doesNotContain("hush");
  }

  @Test
  void showsNoProcessAndNoFileOfOthers() throws IOException {
    String session = create("rw");

    String events = run(session, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; ls " + directory);

    assertThat(events).contains("broker --socket").doesNotContain("java ", "\"text\":\"sessions\"");
  }

  @Test
  void letsRootUndoNoMount() throws IOException {
    String session = create("ro");

    String events =
        run(session, "mount -o remount,rw,bind / || echo refused; touch /root/x || echo refused");

    assertThat(events).containsPattern("refused[\\s\\S]*refused");
  }

  @Test
  void remembersWhatAShellRemembers() throws IOException {
    String session = create("rw");

    run(session, "cd /usr; x=1; export Y=2; f() { echo f$1; }; sleep 300 & echo $! > /tmp/pid");

    assertThat(run(session, "pwd; echo $x$Y; f 3; kill -0 $(cat /tmp/pid) && echo alive"))
        .contains("\"text\":\"/usr\"", "\"text\":\"12\"", "\"text\":\"f3\"", "\"text\":\"alive\"");
  }

  @Test
  void exportsTheVariablesOfARunAndBeginsInItsFolder() throws IOException {
    String session = create("rw");
    String body =
        "{\"code\":\"pwd; env | grep QUOTE\",\"cwd\":\"/usr/bin\",\"envs\":{\"QUOTE\":\"it's\"}}";

    assertThat(server.send("POST", session + "/run", body).body())
        .contains("\"text\":\"/usr/bin\"", "\"text\":\"QUOTE=it's\"");
    assertThat(
            server
                .send("POST", session + "/run", "{\"code\":\"true\",\"cwd\":\"/nowhere\"}")
                .body())
        .contains("RuntimeError", "/nowhere");
  }

  @Test
  void keepsTheOutputOfABackgroundRun() throws IOException {
    String session = create("rw");
    String body =
        "{\"code\":\"echo one; echo two >&2; read x < gate; exit 4\",\"background\":true}";
    run(session, "mkfifo gate");

    RawClient.Response started = server.send("POST", session + "/run", body);
    assertThat(started.status()).isEqualTo(202);
    String run = session + "/runs/" + json(started).stringOrEmpty("run_id");
    assertThat(server.get(run).body()).contains("\"running\":true").doesNotContain("exit_code");
    run(session, "echo > gate");
    String status = await(run, "\"running\":false");

    assertThat(status)
        .contains("\"exit_code\":4", "\"error\":\"exit status 4\"", "\"finished_at\":");
    RawClient.Response logs = server.get(run + "/logs?cursor=4");
    assertThat(logs.body()).isEqualTo("two\n");
    assertThat(logs.header("execd-isolated-tail-cursor")).isEqualTo("8");
    assertThat(server.get(run + "/logs?cursor=-1").status()).isEqualTo(400);
    assertThat(server.get(session + "/runs/unknown").status()).isEqualTo(404);
  }

  /// Asks until the answer contains something; the test's time limit ends a vain wait.
  private String await(String path, String part) throws IOException {
    String body = server.get(path).body();
    while (!body.contains(part)) {
      Thread.onSpinWait();
      body = server.get(path).body();
    }
    return body;
  }

  @Test
  void tellsThatASessionIsDead() throws IOException {
    String session = create("rw");

    run(session, "kill -9 $PPID"); // the broker

    await(session, "\"status\":\"dead\"");
    assertThat(server.send("POST", session + "/run", "{\"code\":\"true\"}").status())
        .isEqualTo(409);
  }

  @Test
  void hasSeveralDirectories() throws IOException {
    Path other = Files.createDirectory(directory.resolve("other"));
    Files.writeString(other.resolve("f"), "before");
    Path nested = Files.createDirectory(workspace.resolve("nested"));
    String session =
        create(
            "overlay",
            ",\"overlays\":[{\"path\":\""
                + other
                + "\"},{\"path\":\""
                + nested
                + "\",\"mode\":\"rw\"}]");

    assertThat(run(session, "echo after > " + other + "/f; echo x > nested/x; echo y > y"))
        .contains("execution_complete");
    assertThat(other.resolve("f")).hasContent("before");
    assertThat(nested.resolve("x")).hasContent("x");
    assertThat(server.get(session + "/files/download?path=" + other + "/f").body())
        .isEqualTo("after\n");
    assertThat(server.get(session + "/files/download?path=nested/x").body()).isEqualTo("x\n");
    assertThat(server.send("POST", session + "/commit", "").status()).isEqualTo(200);

    assertThat(other.resolve("f")).hasContent("after");
    assertThat(workspace.resolve("y")).hasContent("y");
  }

  @Test
  void mapsIdentity() throws IOException {
    Assumptions.assumeTrue(
        server.get("/v1/isolated/capabilities").body().contains("\"userns_available\":true"),
        "there are no user namespaces here");
    String session = create("rw", ",\"uid\":4242,\"gid\":4343,\"uid_mode\":\"userns\"");

    assertThat(run(session, "id -u; id -g; echo x > mapped"))
        .contains("\"text\":\"4242\"", "\"text\":\"4343\"", "execution_complete");
    assertThat(Files.getOwner(workspace.resolve("mapped"))).isEqualTo(Files.getOwner(directory));
  }

  @Test
  void hasNoNetworkWhenNoneIsShared() throws IOException {
    String session = create("rw", ",\"share_net\":false");

    // Only the heading: no route leads anywhere.
    assertThat(run(session, "wc -l < /proc/net/route")).contains("\"text\":\"1\"");
  }

  @Test
  void tellsHowASessionWasMade() throws IOException {
    String session = create("ro", ",\"idle_timeout_seconds\":0,\"profile\":\"balanced\"");

    assertThat(server.get(session).body())
        .contains("\"profile\":\"balanced\"", "\"mode\":\"ro\"", "\"share_net\":true")
        .contains(
            "\"idle_remaining_seconds\":null", "\"idle_timeout_seconds\":0", "\"last_run_at\":\"");
  }

  @Test
  void removesAnIdleSession() throws IOException {
    String session = create("overlay", ",\"idle_timeout_seconds\":1");

    await(session, "SESSION_NOT_FOUND");
    assertThat(server.get("/v1/isolated/sessions").body()).isEqualTo("{\"sessions\":[]}");
  }

  @Test
  void keepsAnOverlayPrivateUntilItIsCommitted() throws IOException {
    String session = create("overlay");

    assertThat(run(session, "echo new > new; rm gone; mkdir -p d/e; echo x > d/e/f; ln -s kept l"))
        .contains("execution_complete");
    assertThat(run(session, "cat new d/e/f")).contains("\"text\":\"new\"");
    assertThat(workspace.resolve("new")).doesNotExist();
    Files.writeString(workspace.resolve("theirs"), "theirs");
    assertThat(server.send("POST", session + "/commit", "").status()).isEqualTo(200);

    assertThat(workspace.resolve("new")).hasContent("new");
    assertThat(workspace.resolve("d/e/f")).hasContent("x");
    assertThat(workspace.resolve("l")).isSymbolicLink();
    assertThat(workspace.resolve("gone")).doesNotExist();
    assertThat(workspace.resolve("kept")).hasContent("kept");
    assertThat(workspace.resolve("theirs")).hasContent("theirs");
  }

  @Test
  void sendsWhatAnOverlayChanged() throws IOException {
    String session = create("overlay");
    run(session, "echo new > new; rm gone");
    Path archive = directory.resolve("diff.tar.gz");
    try (RawClient client = server.connect()) {
      client.send("GET " + session + "/diff HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(client.receiveHead().status()).isEqualTo(200);
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      for (String chunk = client.readChunk(); !chunk.isEmpty(); chunk = client.readChunk()) {
        body.writeBytes(chunk.getBytes(StandardCharsets.ISO_8859_1));
      }
      Files.write(archive, body.toByteArray());
    }
    Process tar = new ProcessBuilder("tar", "tvzf", archive.toString()).start();

    String listing = new String(tar.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(listing.lines()).hasSize(2);
    assertThat(listing)
        .containsPattern("-rw.* new\n")
        .containsPattern("c--------- .* 0,0 .* gone\n");
  }

  @Test
  void writesThroughInModeRwAndNotInModeRo() throws IOException {
    assertThat(run(create("rw"), "echo x > shared")).contains("execution_complete");
    assertThat(run(create("ro"), "echo x > refused")).contains("ExitError");

    assertThat(workspace.resolve("shared")).hasContent("x");
    assertThat(workspace.resolve("refused")).doesNotExist();
  }

  @Test
  void endsARunWhoseTimeIsUp() throws IOException {
    String session = create("rw");

    RawClient.Response response =
        server.send(
            "POST", session + "/run", "{\"code\":\"sleep 60 & sleep 60\",\"timeout_seconds\":1}");

    assertThat(response.body())
        .contains("\"ename\":\"RuntimeError\",\"evalue\":\"timeout after 1s\"");
    assertThat(run(session, "echo again")).contains("again");
  }

  @Test
  void switchesIdentity() throws IOException {
    Assumptions.assumeTrue(Files.getOwner(directory).getName().equals("root"), "needs root");

    assertThat(run(create("rw", ",\"uid\":12345,\"gid\":54321"), "id -u; id -g; id -G"))
        .contains("\"text\":\"12345\"", "\"text\":\"54321\"");
  }

  @Test
  void servesTheWorkspacesFilesUnderTheirNames() throws IOException {
    String session = create("overlay");
    run(session, "echo inside > new");

    assertThat(server.get(session + "/files/download?path=" + workspace + "/new").body())
        .isEqualTo("inside\n");
    assertThat(server.get(session + "/files/download?path=new").body()).isEqualTo("inside\n");
    assertThat(server.get(session + "/files/search?path=" + workspace + "&pattern=new").body())
        .contains("\"path\":\"" + workspace + "/new\"");
    assertThat(server.get(session + "/directories/list?path=.").body())
        .contains("\"path\":\"" + workspace + "/gone\"");
    assertThat(server.send("POST", session + "/directories", "{\"made\":{}}").status())
        .isEqualTo(200);
    assertThat(run(session, "ls -d made")).contains("\"text\":\"made\"");
    assertThat(workspace.resolve("made")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/etc/passwd", "../x", "a/../../x", "out/passwd", "/"})
  void servesNothingOutsideTheWorkspace(String path) throws IOException {
    String session = create("rw");
    Files.createSymbolicLink(workspace.resolve("out"), Path.of("/etc"));

    RawClient.Response response = server.get(session + "/files/info?path=" + path);

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.body()).contains("INVALID_REQUEST_BODY");
  }

  @Test
  void refusesWritesToAReadOnlyWorkspace() throws IOException {
    String session = create("ro");

    assertThat(server.send("POST", session + "/directories", "{\"x\":{}}").status()).isEqualTo(403);
    assertThat(server.get(session + "/files/info?path=kept").status()).isEqualTo(200);
  }

  @Test
  void forgetsADeletedSessionAndItsFiles() throws IOException {
    String session = create("overlay");
    assertThat(server.get("/v1/isolated/sessions").body()).contains("\"status\":\"active\"");
    assertThat(server.get(session).body()).contains("\"idle_remaining_seconds\":");

    assertThat(server.request("DELETE " + session + " HTTP/1.1\r\nHost: x\r\n\r\n").status())
        .isEqualTo(200);

    assertThat(server.get(session).body()).contains("SESSION_NOT_FOUND");
    assertThat(server.get("/v1/isolated/sessions").body()).isEqualTo("{\"sessions\":[]}");
    assertThat(directory.resolve("sessions")).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"workspace\":{}}",
        "{\"workspace\":{\"path\":\"relative\"}}",
        "{\"workspace\":{\"path\":\"/\"}}",
        "{\"workspace\":{\"path\":\"/a/../b\"}}",
        "{\"workspace\":{\"path\":\"/a\",\"mode\":\"x\"}}",
        "{\"workspace\":{\"path\":\"/a\"},\"extra_writable\":[\"/etc\"]}",
        "{\"workspace\":{\"path\":\"/a\"},\"binds\":[{\"source\":\"/etc\"}]}",
        "{\"workspace\":{\"path\":\"/a\"},\"binds\":[{\"source\":\"/mnt/none\"}]}",
        "{\"workspace\":{\"path\":\"/a\"},\"overlays\":[{\"path\":\"/a\"}]}",
        "{\"workspace\":{\"path\":\"/a\"},\"overlays\":7}",
        "{\"overlays\":[{\"path\":\"/a\",\"mode\":\"rw\",\"persist\":true}]}",
        "{\"workspace\":{\"path\":\"/etc/passwd\"}}",
        "{\"workspace\":{\"path\":\"/a\",\"persist\":{\"enabled\":true}}}",
        "{\"isolation\":{\"workspace\":{\"path\":\"/a\"},\"uid\":-1}}",
      })
  void refusesBadRequests(String body) throws IOException {
    assertThat(server.send("POST", BASE, body).status()).isEqualTo(400);
  }

  @Test
  void saysSoWhereItCannotWork() throws IOException {
    Spawner broken =
        _ -> {
          throw new SpawnException("no processes here");
        };
    Router router = new Router();
    routes(broken).register(router);
    try (TestServer without = new TestServer(router)) {
      assertThat(without.get("/v1/isolated/capabilities").body()).contains("\"available\":false");
      RawClient.Response response =
          without.send("POST", BASE, "{\"workspace\":{\"path\":\"" + workspace + "\"}}");
      assertThat(response.status()).isEqualTo(503);
      assertThat(response.body()).contains("SERVICE_UNAVAILABLE").contains("no processes here");
    }
  }
}
