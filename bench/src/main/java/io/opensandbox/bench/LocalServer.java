package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Server;
import io.opensandbox.runtime.FreePort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// A lifecycle server of this machine as a process of its own, on a [StubEngine].
final class LocalServer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String KEY = "bench-key";

  private final Process process;
  private final Path folder;
  private final Server server;
  private final int port;
  private final Duration ready;

  private LocalServer(Process process, Path folder, Server server, int port, Duration ready) {
    this.process = process;
    this.folder = folder;
    this.server = server;
    this.port = port;
    this.ready = ready;
  }

  /// What is measured on one.
  interface Measurement {
    /// Measures.
    List<Result> on(LocalServer server, StubEngine engine) throws IOException;
  }

  /// Measures on a fresh one; gives nothing when the target names no program of one.
  static List<Result> measure(Target target, Measurement measurement) {
    if (target.lifecycleServer().isEmpty()) {
      return List.of();
    }
    try (var engine = new StubEngine();
        var server = start(target.lifecycleServer().get(), engine)) {
      return measurement.on(server, engine);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Starts one with an empty store; returns when it says that it is ready.
  static LocalServer start(Path program, StubEngine engine) {
    try {
      var folder = Files.createTempDirectory("bench-server");
      int port = FreePort.find();
      var config = folder.resolve("config.toml");
      Files.writeString(config, config(folder, port));
      var command = List.of(program.toAbsolutePath().toString(), "--config", config.toString());
      var builder =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("log").toFile());
      builder.environment().put("DOCKER_HOST", engine.address());
      var begin = System.nanoTime();
      var process = builder.start();
      var server = new Server("http://127.0.0.1:" + port, KEY);
      awaitReady(process, server, folder);
      return new LocalServer(
          process, folder, server, port, Duration.ofNanos(System.nanoTime() - begin));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String config(Path folder, int port) {
    return """
    server.host = "127.0.0.1"
    server.port = %d
    server.api_key = "%s"
    runtime.type = "docker"
    runtime.execd_image = "execd"
    docker.network_mode = "bridge"
    store.path = "%s"
    """
        .formatted(port, KEY, folder.resolve("store.db"));
  }

  private static void awaitReady(Process process, Server server, Path folder) throws IOException {
    var deadline = Deadline.in(PATIENCE);
    while (!isReady(server)) {
      if (!process.isAlive()) {
        throw new IllegalStateException(
            "the server ended:\n" + Files.readString(folder.resolve("log")));
      }
      deadline.pauseOrFail("the server is not ready");
    }
  }

  private static boolean isReady(Server server) {
    var root = server.http().at(server.http().base().replaceFirst("/v1$", ""), Map.of());
    try {
      return root.send("GET", "/ready").status() == 200;
    } catch (UncheckedIOException _) {
      return false; // it does not listen yet
    }
  }

  /// From the start of its process to the first `/ready` with 200.
  Duration ready() {
    return ready;
  }

  Server api() {
    return server;
  }

  /// Where it listens on loopback.
  int port() {
    return port;
  }

  /// Resident memory in MiB.
  double rssMib() {
    return LocalExecd.rssBytes(process.pid()) / 1024.0 / 1024.0;
  }

  @Override
  public void close() {
    server.close();
    process.destroy();
    try {
      if (!process.waitFor(PATIENCE)) {
        process.destroyForcibly();
      }
      try (var files = Files.walk(folder)) {
        for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
