package io.opensandbox.runtime.docker;

import io.opensandbox.runtime.FreePort;
import io.opensandbox.runtime.HostProgram;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/// A real registry on loopback that wants the login `me`/`s3cr3t`.
final class TestRegistry implements AutoCloseable {
  private static final Path PROGRAM = Path.of("/usr/bin/docker-registry");
  // bcrypt of the password
  private static final String LOGIN =
      "me:$2b$05$abcdefghijklmnopqrstuu9Avu/WgbsK7g7xfCY1X3pdjsTgxqQLS\n";

  private final Process process;
  private final int port;
  private final Path clientConfig;

  private TestRegistry(Process process, int port, Path clientConfig) {
    this.process = process;
    this.port = port;
    this.clientConfig = clientConfig;
  }

  /// Why there can be none here; empty when there can.
  static Optional<String> obstacle() {
    return Files.isExecutable(PROGRAM)
        ? Optional.empty()
        : Optional.of("no " + PROGRAM + " (package docker-registry)");
  }

  static TestRegistry start(Path folder) throws IOException {
    int port = FreePort.find();
    Files.writeString(folder.resolve("htpasswd"), LOGIN);
    Path config =
        Files.writeString(
            folder.resolve("registry.yml"),
            """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: %1$s/data}}
            http: {addr: "127.0.0.1:%2$d"}
            auth: {htpasswd: {realm: test, path: %1$s/htpasswd}}
            """
                .formatted(folder, port));
    Process process =
        new ProcessBuilder(PROGRAM.toString(), "serve", config.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("registry.log").toFile())
            .start();
    TestRegistry registry = new TestRegistry(process, port, folder.resolve("client"));
    registry.awaitListening();
    registry.client("login", "--username", "me", "--password", "s3cr3t", "127.0.0.1:" + port);
    return registry;
  }

  private void awaitListening() throws IOException {
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
        return;
      } catch (IOException e) {
        if (!process.isAlive() || System.nanoTime() - deadline > 0) {
          throw e;
        }
        LockSupport.parkNanos(20_000_000);
      }
    }
  }

  private void client(String... arguments) {
    List<String> command = new ArrayList<>(List.of("docker", "--config", clientConfig.toString()));
    command.addAll(List.of(arguments));
    HostProgram.run(command);
  }

  /// Pushes an image of this host and takes its new name away again.
  ///
  /// @return the name to pull it by
  String push(String image, String name) {
    String reference = "127.0.0.1:" + port + "/" + name;
    client("tag", image, reference);
    client("push", "--quiet", reference);
    client("rmi", reference);
    return reference;
  }

  @Override
  public void close() {
    process.destroy();
    try {
      process.waitFor();
    } catch (InterruptedException _) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
