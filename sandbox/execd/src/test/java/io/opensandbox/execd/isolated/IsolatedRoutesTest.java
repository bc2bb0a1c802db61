package io.opensandbox.execd.isolated;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.file.Leftovers;
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
    return routes(spawner, directory.resolve("sessions"));
  }

  private IsolatedRoutes routes(Spawner spawner, Path root) {
    AtomicInteger ids = new AtomicInteger();
    Map<String, String> variables =
        Map.of("PATH", "/usr/local/bin:/usr/bin:/bin", "MY_API_KEY", "hush", "GREETING", "hi");
    return new IsolatedRoutes(
        new IsolatedRoutes.Environment(
            spawner,
            () -> variables,
            new IsolationLimits(
                List.of(root),
                1_000_000,
                IsolationLimits.DEFAULT_DIFF_BYTES,
                IsolationLimits.DEFAULT_WRITABLE_ROOTS),
            new Leftovers(directory),
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

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void sendsWhatAnOverlayChanged(boolean mounted) throws IOException {
    useOverlays(mounted);
    Files.writeString(Files.createDirectory(workspace.resolve("replaced")).resolve("old"), "old");
    Files.writeString(Files.createDirectory(workspace.resolve("moved")).resolve("in"), "in");
    String session = create("overlay");
    assertThat(
            run(
                session,
                "echo new > new; ln new other; ln -s new link; rm gone; mv moved there;"
                    + " rm -r replaced; mkdir replaced; touch replaced/now; chmod 600 new"))
        .contains("execution_complete");

    List<String> listing = listing(session);

    assertThat(listing)
        .anyMatch(line -> line.matches("-rw------- .* new"))
        .anyMatch(line -> line.matches("h.* other link to new"))
        .anyMatch(line -> line.matches("l.* link -> new"))
        .anyMatch(line -> line.matches("c--------- .* 0,0 .* gone"))
        .anyMatch(line -> line.matches("c--------- .* 0,0 .* moved"))
        .anyMatch(line -> line.matches("d.* there/"))
        .anyMatch(line -> line.matches("-.* there/in"))
        .anyMatch(line -> line.matches("-.* replaced/now"))
        .anyMatch(line -> line.matches("c--------- .* 0,0 .* replaced/old"))
        .noneMatch(line -> line.endsWith(" kept"));
  }

  private List<String> listing(String session) throws IOException {
    Path archive = directory.resolve("diff.tar.gz");
    try (RawClient client = server.connect()) {
      client.send("GET " + session + "/diff HTTP/1.1\r\nHost: x\r\n\r\n");
      RawClient.Response head = client.receiveHead();
      assertThat(head.status()).isEqualTo(200);
      assertThat(head.header("content-type")).isEqualTo("application/gzip");
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      for (String chunk = client.readChunk(); !chunk.isEmpty(); chunk = client.readChunk()) {
        body.writeBytes(chunk.getBytes(StandardCharsets.ISO_8859_1));
      }
      Files.write(archive, body.toByteArray());
    }
    Process tar = new ProcessBuilder("tar", "tvzf", archive.toString()).start();
    return new String(tar.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void commitsWhateverAnOverlayChanged(boolean mounted) throws IOException {
    useOverlays(mounted);
    Path old = Files.createDirectory(workspace.resolve("replaced"));
    Files.writeString(old.resolve("old"), "old");
    Files.writeString(Files.createDirectory(workspace.resolve("moved")).resolve("in"), "in");
    Files.writeString(Files.createDirectory(workspace.resolve("emptied")).resolve("x"), "x");
    Files.createLink(workspace.resolve("kept2"), workspace.resolve("kept"));
    Files.createSymbolicLink(workspace.resolve("was-link"), Path.of("kept"));
    String session = create("overlay");
    assertThat(
            run(
                session,
                "echo new > new; ln new other; ln -s new link; rm gone; mv moved there; rm emptied/x;"
                    + " rm -r replaced; mkdir -m 750 replaced; touch replaced/now; chmod 600 new;"
                    + " ln kept kept3; rm was-link; mkdir was-link; touch was-link/in; mkdir a; mv a b"))
        .contains("execution_complete");

    assertThat(server.send("POST", session + "/commit", "").status()).isEqualTo(200);

    assertThat(workspace.resolve("new")).hasContent("new");
    assertThat(Files.getAttribute(workspace.resolve("new"), "unix:mode")).isEqualTo(0100600);
    assertSameFile("new", "other");
    assertSameFile("kept", "kept2");
    assertSameFile("kept", "kept3");
    assertThat(Files.readSymbolicLink(workspace.resolve("link"))).isEqualTo(Path.of("new"));
    assertThat(workspace.resolve("gone")).doesNotExist();
    assertThat(workspace.resolve("moved")).doesNotExist();
    assertThat(workspace.resolve("there/in")).hasContent("in");
    assertThat(workspace.resolve("emptied")).isEmptyDirectory();
    assertThat(workspace.resolve("replaced/old")).doesNotExist();
    assertThat(workspace.resolve("replaced/now")).exists();
    assertThat(Files.getAttribute(old, "unix:mode")).isEqualTo(040750);
    assertThat(workspace.resolve("was-link/in")).isRegularFile();
    assertThat(workspace.resolve("b")).isDirectory();
    assertThat(workspace.resolve("a")).doesNotExist();
    assertThat(listing(session)).isEmpty();
    assertThat(run(session, "cat there/in; echo; ls replaced")).contains("\"in\"", "\"now\"");
  }

  private void assertSameFile(String one, String other) throws IOException {
    assertThat(Files.getAttribute(workspace.resolve(one), "unix:ino"))
        .isEqualTo(Files.getAttribute(workspace.resolve(other), "unix:ino"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aResetForgetsWhatWasCommitted(boolean mounted) throws IOException {
    useOverlays(mounted);
    String session = create("overlay");
    run(session, "x=remembered; echo one > kept");

    String answer = server.send("POST", session + "/commit", "{\"reset_upper_after\":true}").body();

    assertThat(answer).isEmpty();
    Files.writeString(workspace.resolve("kept"), "by others");
    // A copy has what was there when it was made.
    assertThat(run(session, "cat kept; echo $x"))
        .contains(mounted ? "by others" : "one", "remembered");
  }

  /// Overlayfs mounts what the kernel may mount; a copy is what is left elsewhere.
  @Test
  void saysWhatAnOverlayIs() throws IOException {
    String capabilities = server.get("/v1/isolated/capabilities").body();

    boolean mounted = capabilities.contains("\"overlay\":\"overlayfs\"");
    assertThat(mounted || capabilities.contains("\"overlay\":\"copy\"")).isTrue();
    assertThat(run(create("overlay"), "stat -f -c %T . ").contains("overlay")).isEqualTo(mounted);
  }

  @Test
  void endsARunThatWritesTooMuch() throws IOException {
    Assumptions.assumeTrue(
        server.get("/v1/isolated/capabilities").body().contains("overlayfs"),
        "overlays are copies");
    String session = create("overlay");

    // The limit of the test's routes.
    String events = run(session, "head -c 3000000 /dev/zero > large; sleep 300");

    assertThat(events).contains("RuntimeError", "written more than its overlays may hold");
    assertThat(server.send("POST", session + "/directories", "{\"made\":{}}").status())
        .isEqualTo(507);
    assertThat(run(session, "rm large")).contains("execution_complete");
    assertThat(server.send("POST", session + "/directories", "{\"made\":{}}").status())
        .isEqualTo(200);
  }

  @Test
  void keepsWhatIsToBeKept() throws IOException {
    Path shared = Path.of("/dev/shm");
    Assumptions.assumeTrue(Files.isWritable(shared), "there is no " + shared);
    Path volume = Files.createTempDirectory(shared, "execd-test");
    try {
      use(broker.spawner(), volume);
      Assumptions.assumeTrue(
          server
              .get("/v1/isolated/capabilities")
              .body()
              .contains("\"persist\":{\"available\":true"),
          "/dev/shm is no volume for overlays here");
      String session = createKept();
      run(session, "echo new > new");
      delete(session);

      assertThat(server.get(session).body()).contains("\"status\":\"destroyed\"");
      assertThat(server.send("POST", session + "/run", "{\"code\":\"true\"}").status())
          .isEqualTo(409);
      assertThat(server.get(session + "/files/info?path=new").status()).isEqualTo(409);
      assertThat(listing(session)).hasSize(1);
      assertThat(server.send("POST", session + "/commit", "").status()).isEqualTo(200);
      assertThat(workspace.resolve("new")).hasContent("new");
      delete(session);
      assertThat(server.get(session).status()).isEqualTo(404);
      assertThat(volume).isEmptyDirectory();
    } finally {
      FileTree.delete(volume);
    }
  }

  private String createKept() throws IOException {
    String body =
        "{\"isolation\":{\"workspace\":{\"path\":\"%s\",\"persist\":{\"enabled\":true}}}}"
            .formatted(workspace);
    RawClient.Response response = server.send("POST", BASE, body);
    assertThat(response.status()).as(response.body()).isEqualTo(201);
    assertThat(response.body())
        .contains("\"retain_seconds\":3600", "\"max_size_bytes\":1000000", "/commit\"");
    return BASE + "/" + json(response).stringOrEmpty("session_id");
  }

  private void delete(String session) throws IOException {
    assertThat(server.request("DELETE " + session + " HTTP/1.1\r\nHost: x\r\n\r\n").status())
        .isEqualTo(200);
  }

  /// Without mounts, overlays are copies, as where the kernel forbids mounts.
  private void useOverlays(boolean mounted) throws IOException {
    if (!mounted) {
      Spawner all = broker.spawner();
      Spawner withoutMounts =
          spec -> {
            if (spec.argv().contains("overlay")) {
              throw new SpawnException("no mounts here");
            }
            return all.start(spec);
          };
      use(withoutMounts, directory.resolve("sessions"));
      assertThat(server.get("/v1/isolated/capabilities").body()).contains("\"overlay\":\"copy\"");
    }
  }

  private void use(Spawner spawner, Path root) throws IOException {
    stop();
    Router router = new Router();
    routes = routes(spawner, root);
    routes.register(router);
    server = new TestServer(router);
  }

  @Test
  void removesWhatAKilledDaemonHasLeft() throws IOException {
    Path sessions = directory.resolve("sessions");
    Path left = Files.createDirectories(sessions.resolve("left/0/store/work/work"));
    Files.setAttribute(left, "unix:mode", 0);
    Path kept = Files.createDirectories(sessions.resolve("kept"));
    Files.writeString(kept.resolve("retain"), "+60");
    Path over = Files.createDirectories(sessions.resolve("over"));
    Files.writeString(over.resolve("retain"), "1000");

    routes.sweep();
    routes.sweep();

    assertThat(sessions.resolve("left")).doesNotExist();
    assertThat(over).doesNotExist();
    assertThat(Long.parseLong(Files.readString(kept.resolve("retain")))).isGreaterThan(1000);
  }

  @Test
  void givesNewFilesToTheSessionsUser() throws IOException {
    Assumptions.assumeTrue(Files.getOwner(directory).getName().equals("root"), "needs root");
    for (String mode : List.of("rw", "overlay")) {
      String session = create(mode, ",\"uid\":12345,\"gid\":54321");
      String form =
          "--B\r\nContent-Disposition: form-data; name=\"metadata\"; filename=\"m\"\r\n\r\n"
              + "{\"path\":\"%1$s/deep/file\"}\r\n--B\r\n".formatted(mode)
              + "Content-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
              + "text\r\n--B--\r\n";
      RawClient.Response response =
          server.request(
              ("POST %s/files/upload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                      + "Content-Type: multipart/form-data; boundary=B\r\n\r\n%s")
                  .formatted(session, form.length(), form));
      assertThat(response.status()).as(response.body()).isEqualTo(200);
      String made = "{\"" + mode + "/dir/inner\":{\"mode\":700}}";
      assertThat(server.send("POST", session + "/directories", made).status()).isEqualTo(200);

      assertThat(
              run(session, "cd %s && stat -c %%u:%%g deep deep/file dir dir/inner".formatted(mode)))
          .containsPattern("(?s)(12345:54321.*){4}");
      assertThat(server.get(session + "/files/info?path=" + mode + "/deep/file").body())
          .contains("\"owner\":\"12345\"", "\"group\":\"54321\"");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw", "overlay"})
  void followsLinksAsTheSessionDoes(String mode) throws IOException {
    Files.createDirectory(workspace.resolve("dir"));
    Files.createSymbolicLink(workspace.resolve("abs"), workspace.resolve("dir"));
    Files.createSymbolicLink(workspace.resolve("loop"), Path.of("loop"));
    Files.createSymbolicLink(workspace.resolve("dangling"), Path.of("nowhere"));
    String session = create(mode);
    run(session, "echo inside > dir/f; ln -s ../dir/f dir/l; ln -s " + workspace + "/dir/l l");

    for (String path : List.of("dir/f", "abs/f", "abs/l", "l", workspace + "/l")) {
      RawClient.Response found = server.get(session + "/files/download?path=" + path);
      assertThat(found.body()).as(path).isEqualTo("inside\n");
    }
    assertThat(server.get(session + "/files/info?path=l").body()).contains("\"symlink\"");
    assertThat(server.get(session + "/files/info?path=dangling").body()).contains("\"symlink\"");
    assertThat(server.get(session + "/files/download?path=dangling").status()).isEqualTo(404);
    assertThat(server.get(session + "/files/download?path=loop").status()).isEqualTo(400);
    assertThat(server.get(session + "/directories/list?path=dir").body())
        .contains("\"path\":\"" + workspace + "/dir/f\"");
    assertThat(
            server
                .request("DELETE " + session + "/files?path=dir/l HTTP/1.1\r\nHost: x\r\n\r\n")
                .status())
        .isEqualTo(200);
    assertThat(run(session, "ls dir")).contains("\"f\"").doesNotContain("\"l\"");
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
        "{\"workspace\":{\"path\":\"/a\",\"persist\":{\"enabled\":true,\"max_size_bytes\":9000000000}}}",
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
