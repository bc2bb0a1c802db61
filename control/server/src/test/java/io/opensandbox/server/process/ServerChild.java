package io.opensandbox.server.process;

import io.opensandbox.runtime.FreePort;
import io.opensandbox.server.TestServer.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A server as a process of its own, from the classes under test. It can be killed and started
/// again on the same configuration.
final class ServerChild implements AutoCloseable {
  private static final String KEY = "child-key";
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int MAX_PORT_TRIES = 10;

  private final HttpClient client = HttpClient.newHttpClient();
  private final Path folder;
  private final String toml;
  private final Map<String, String> environment;
  private int port;
  private Process process;

  /// Starts a server; returns when it answers.
  ///
  /// @param folder for its configuration, log and, unless `toml` says otherwise, store
  /// @param toml added to the configuration
  ServerChild(Path folder, String toml, Map<String, String> environment) {
    this.folder = folder;
    this.toml = toml;
    this.environment = Map.copyOf(environment);
    this.process = launch();
  }

  /// Starts it again after [#kill]; returns when it answers.
  void restart() {
    process = launch();
  }

  /// Kills it with SIGKILL and returns when it is gone.
  void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  Process process() {
    return process;
  }

  @Override
  public void close() {
    process.destroy();
    awaitEnd();
    client.close();
  }

  private void awaitEnd() {
    try {
      if (!process.waitFor(PATIENCE)) {
        process.destroyForcibly();
        throw new IllegalStateException("the server does not end:\n" + log());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  Answer send(String method, String path) {
    return send(request(method, path, HttpRequest.BodyPublishers.noBody()));
  }

  Answer send(String method, String path, String body) {
    return send(
        request(method, path, HttpRequest.BodyPublishers.ofString(body))
            .header("Content-Type", "application/json"));
  }

  private HttpRequest.Builder request(String method, String path, HttpRequest.BodyPublisher body) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
        .timeout(PATIENCE.plusSeconds(60))
        .header("OPEN-SANDBOX-API-KEY", KEY)
        .method(method, body);
  }

  private Answer send(HttpRequest.Builder request) {
    try {
      HttpResponse<String> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      return new Answer(response.statusCode(), response.body(), response);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  // A port that was free may be taken meanwhile; then the server ends and another is tried.
  private Process launch() {
    for (int i = 1; ; i++) {
      try {
        port = FreePort.find();
        Process started = start();
        if (answers(started)) {
          return started;
        }
        if (i == MAX_PORT_TRIES || !log().contains("Address already in use")) {
          throw new IllegalStateException("the server ended while starting:\n" + log());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private boolean answers(Process started) {
    var deadline = Deadline.in(PATIENCE);
    while (started.isAlive()) {
      if (isHealthy()) {
        return true;
      }
      deadline.pauseOrFail(() -> "the server is not ready:\n" + log());
    }
    return false;
  }

  private boolean isHealthy() {
    try {
      return send("GET", "/health").status() == 200;
    } catch (UncheckedIOException _) { // not listening yet
      return false;
    }
  }

  private Process start() throws IOException {
    Path config = folder.resolve("config.toml");
    Files.writeString(
        config,
        """
        server.host = "127.0.0.1"
        server.port = %d
        server.api_key = "%s"
        runtime.type = "docker"
        runtime.execd_image = "opensandbox/execd:local"
        docker.network_mode = "bridge"
        store.path = "%s"
        %s
        """
            .formatted(port, KEY, folder.resolve("store.db"), toml));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx256m",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            "io.opensandbox.server.Main",
            "--config",
            config.toString()));
    var builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(folder.resolve("server.log").toFile()));
    builder.environment().putAll(environment);
    return builder.start();
  }

  String log() {
    try {
      return Files.readString(folder.resolve("server.log"));
    } catch (IOException e) {
      return "no log: " + e;
    }
  }
}
