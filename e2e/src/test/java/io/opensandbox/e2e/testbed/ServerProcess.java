package io.opensandbox.e2e.testbed;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Server;
import io.opensandbox.runtime.FreePort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.UUID;

/// A server of this checkout as a process of its own, on a free port of loopback, with its store in
/// a folder. It can be killed and started again on the same folder.
public final class ServerProcess implements AutoCloseable {
  private static final Path REPOSITORY = repository();
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path folder;
  private final int port;
  private final String key = UUID.randomUUID().toString();
  private final Server client;
  private Process process;

  private ServerProcess(Path folder, int port, String runtime) throws IOException {
    this.folder = folder;
    this.port = port;
    writeConfig(runtime);
    this.client = new Server(url(), key);
    this.process = launch();
  }

  /// Starts a server of the Docker engine with its state in `folder`; returns when it answers.
  public static ServerProcess start(Path folder) {
    return start(
        folder,
        """
        [runtime]
        type = "docker"
        execd_image = "opensandbox/execd:local"

        [docker]
        network_mode = "bridge"
        """);
  }

  /// The same without a daemon: sandboxes of the local runtime, below `folder`.
  public static ServerProcess startLocal(Path folder) {
    return start(
        folder,
        """
        [runtime]
        type = "local"

        [local]
        data_dir = "%s"
        execd_dir = "%s"
        image_layouts = ["%s"]
        """
            .formatted(
                folder.resolve("local"),
                REPOSITORY.resolve("sandbox/launcher/target/dist"),
                REPOSITORY.resolve(".work/images")));
  }

  private static ServerProcess start(Path folder, String runtime) {
    try {
      var server = new ServerProcess(folder, FreePort.find(), runtime);
      server.awaitReady();
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Where it listens.
  public String url() {
    return "http://127.0.0.1:" + port;
  }

  /// Host and port as SDKs want them.
  public String domain() {
    return "127.0.0.1:" + port;
  }

  /// Its API key.
  public String key() {
    return key;
  }

  /// A client of it, which stays valid over restarts.
  public Server client() {
    return client;
  }

  /// The operating system's id of the running process.
  public long pid() {
    return process.pid();
  }

  /// Kills it with SIGKILL and returns when it is gone.
  public void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  /// Starts it again on the same folder; returns when it answers.
  public void restart() {
    try {
      process = launch();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    awaitReady();
  }

  @Override
  public void close() {
    client.close();
    process.destroy();
    awaitEnd();
  }

  private Process launch() throws IOException {
    return new ProcessBuilder(
            REPOSITORY.resolve("control/server/bin/opensandbox-server").toString(),
            "--config",
            folder.resolve("config.toml").toString())
        .directory(REPOSITORY.toFile())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("server.log").toFile()))
        .start();
  }

  private void awaitReady() {
    var deadline = Deadline.in(PATIENCE);
    while (!client.isHealthy()) {
      if (!process.isAlive()) {
        throw new IllegalStateException("the server ended while starting:\n" + log());
      }
      deadline.pauseOrFail("the server is not ready:\n" + log());
    }
  }

  private void awaitEnd() {
    try {
      if (!process.waitFor(PATIENCE)) {
        process.destroyForcibly();
        throw new IllegalStateException("the server ignores TERM:\n" + log());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the server ends", e);
    }
  }

  /// What it logged so far, over all its starts.
  public String log() {
    try {
      return Files.readString(folder.resolve("server.log"));
    } catch (IOException e) {
      return "no log: " + e;
    }
  }

  private void writeConfig(String runtime) throws IOException {
    var file = folder.resolve("config.toml");
    var ownerOnly = PosixFilePermissions.fromString("rw-------");
    Files.createFile(file, PosixFilePermissions.asFileAttribute(ownerOnly));
    Files.writeString(
        file,
        """
        [server]
        host = "127.0.0.1"
        port = %d
        api_key = "%s"

        [store]
        path = "%s"

        %s\
        """
            .formatted(port, key, folder.resolve("store.db"), runtime),
        UTF_8);
  }

  private static Path repository() {
    var folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("control/server/pom.xml"))) {
      folder = folder.getParent();
      if (folder == null) {
        throw new IllegalStateException("not inside a checkout: " + Path.of("").toAbsolutePath());
      }
    }
    return folder;
  }
}
