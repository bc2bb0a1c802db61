package io.opensandbox.execd.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Kernels behind a real Jupyter server, which all tests of the class share.
@Timeout(180)
class JupyterServerIT extends KernelSourceTck {
  private static final String TOKEN = "token-of-the-test";

  @TempDir static Path home;

  private static Process process;
  private static String base = "";

  private JupyterServer server;

  @BeforeAll
  static void startServer() throws Exception {
    Path python = kernelsPython();
    Assumptions.assumeTrue(
        Files.isExecutable(python), () -> python + " is missing: run scripts/setup --test");
    ProcessBuilder builder =
        new ProcessBuilder(
                python.toString(),
                "-m",
                "jupyter_server",
                "--ip=127.0.0.1",
                // Taken meanwhile? Then the server takes one of the next and tells which.
                "--port=" + freePort(),
                "--allow-root",
                "--no-browser",
                "--ServerApp.root_dir=/",
                "--KernelRestarter.time_to_dead=0.5",
                "--ZMQChannelsWebsocketConnection.limit_rate=False")
            .redirectErrorStream(true)
            .redirectOutput(home.resolve("log").toFile());
    builder.environment().put("HOME", home.toString());
    builder.environment().put("JUPYTER_RUNTIME_DIR", home.resolve("runtime").toString());
    builder.environment().put("JUPYTER_TOKEN", TOKEN);
    process = builder.start();
    base = awaitBase(home.resolve("runtime/jpserver-" + process.pid() + ".json"));
  }

  @AfterAll
  static void stopServer() throws InterruptedException {
    if (process != null) {
      process.destroy();
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
  }

  @BeforeEach
  void connect() {
    server = connect(base, Duration.ofSeconds(60));
  }

  @AfterEach
  void disconnect() {
    server.close();
  }

  @Override
  KernelSource source() {
    return server;
  }

  @Override
  String deathReason() {
    return "the kernel died and the Jupyter server starts it again";
  }

  @Test
  void aServerThatDoesNotAnswerIsNamed() {
    String nobody = "http://127.0.0.1:1";

    try (JupyterServer absent = connect(nobody, Duration.ofSeconds(1))) {
      assertThatThrownBy(() -> absent.open("python", null))
          .isInstanceOf(IOException.class)
          .hasMessage("the Jupyter server at " + nobody + " does not answer");
    }
  }

  @Test
  void aClosedKernelIsGoneFromTheServer() throws Exception {
    List<String> before = kernelIds();
    Kernel kernel = open();
    List<String> opened = new ArrayList<>(kernelIds());
    opened.removeAll(before);

    kernel.close();

    assertThat(opened).hasSize(1);
    assertThat(kernelIds()).doesNotContainAnyElementsOf(opened);
  }

  @Test
  void outputOfAnotherClientOfTheKernelIsNotOurs() throws Exception {
    List<String> before = kernelIds();
    try (Kernel first = open();
        Kernel second = connectAgain(before)) {
      Background theirs =
          Background.run(
              first,
              "import time\nfor _ in range(10):\n  print('theirs', flush=True)\n  time.sleep(0.1)");

      RecordedExecution ours = run(second, "print('ours')");

      assertThat(ours.events()).containsExactly("STDOUT ours\n", "complete");
      theirs.awaitEnd();
    }
  }

  @Test
  void aKernelIsNamedForItsSession() throws Exception {
    try (Kernel kernel = open()) {
      assertThat(get("/api/sessions")).contains("\"id\": \"" + kernel.id() + "\"");
    }
  }

  @Test
  void aWrongTokenIsRefused() {
    try (JupyterServer stranger = new JupyterServer(base, "wrong", Clock.systemUTC())) {
      assertThatThrownBy(() -> stranger.open("python", null))
          .isInstanceOf(IOException.class)
          .hasMessage("the Jupyter server refused to list its kernels: HTTP 403");
    }
  }

  @Test
  void aKernelThatDiedIsNotLeftBehind() throws Exception {
    List<String> before = kernelIds();
    try (Kernel kernel = open()) {
      run(kernel, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)");
    }

    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    List<String> left = kernelIds();
    while (!before.containsAll(left) && System.nanoTime() < deadline) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      left = kernelIds();
    }
    assertThat(before).containsAll(left);
  }

  private static JupyterServer connect(String url, Duration limit) {
    return new JupyterServer(url, TOKEN, Clock.systemUTC(), limit, Duration.ofSeconds(2));
  }

  /// A second connection to the kernel that is there now and was not before.
  private Kernel connectAgain(List<String> before) throws Exception {
    List<String> now = new ArrayList<>(kernelIds());
    now.removeAll(before);
    String id = now.getFirst();
    URI channels =
        URI.create("ws" + base.substring(4) + "/api/kernels/" + id + "/channels?token=" + TOKEN);
    JupyterConnection connection =
        JupyterConnection.open(HttpClient.newHttpClient(), server, channels, "none", id);
    return Kernel.open(connection, new Requests(Clock.systemUTC()), JupyterServer.START_LIMIT);
  }

  private static List<String> kernelIds() throws Exception {
    return Pattern.compile("\"id\": *\"([^\"]+)\"")
        .matcher(get("/api/kernels"))
        .results()
        .map(match -> match.group(1))
        .toList();
  }

  private static String get(String path) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(base + path))
              .header("Authorization", "Token " + TOKEN)
              .build();
      return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }
  }

  /// The server writes its address into a file once it listens.
  private static String awaitBase(Path file) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
    while (true) {
      Optional<String> url = readBase(file);
      if (url.isPresent()) {
        return url.get();
      }
      if (process.waitFor(50, TimeUnit.MILLISECONDS) || System.nanoTime() > deadline) {
        throw new IOException(Files.readString(home.resolve("log")));
      }
    }
  }

  private static Optional<String> readBase(Path file) throws IOException {
    List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
    if (lines.isEmpty() || !lines.getLast().strip().equals("}")) {
      return Optional.empty();
    }
    JsonObject info = JsonParser.parseObject(Files.readAllBytes(file));
    return Optional.of("http://127.0.0.1:" + info.integer("port").orElseThrow());
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
