package io.opensandbox.runtime.local;

import io.opensandbox.runtime.FreePort;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/// A real registry (Debian's `docker-registry`) on loopback that asks for a login.
final class TestRegistry implements AutoCloseable {
  static final String USER = "alice";
  static final String PASSWORD = "open-sesame";
  private static final String HASH = "$2b$04$lWpdctV6j3pbPacHuDDf9uWOwIq.8lODgqt/aIBezR1aP/DddgIKS";

  private final Process process;
  private final int port;

  TestRegistry(Path directory) throws IOException, InterruptedException {
    Assumptions.assumeTrue(
        TestRuntime.RUNNER
                .run(
                    io.opensandbox.runtime.local.process.Runner.Command.of(
                        "sh", "-c", "command -v docker-registry"))
                .exitCode()
            == 0,
        "there is no docker-registry");
    port = FreePort.find();
    Files.writeString(directory.resolve("htpasswd"), USER + ":" + HASH + "\n");
    Files.writeString(
        directory.resolve("registry.yml"),
        """
        version: 0.1
        log: {level: error}
        storage: {filesystem: {rootdirectory: %1$s/registry}}
        http: {addr: "127.0.0.1:%2$d"}
        auth: {htpasswd: {realm: osl, path: %1$s/htpasswd}}
        """
            .formatted(directory, port));
    process =
        new ProcessBuilder("docker-registry", "serve", directory.resolve("registry.yml").toString())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("registry.log").toFile())
            .start();
    awaitPort();
  }

  String reference(String name) {
    return "127.0.0.1:" + port + "/" + name;
  }

  void push(Path layout, String name) {
    TestRuntime.RUNNER.text(
        "skopeo",
        "copy",
        "--quiet",
        "--insecure-policy",
        "--dest-tls-verify=false",
        "--dest-creds=" + USER + ":" + PASSWORD,
        "oci:" + layout + ":image",
        "docker://" + reference(name));
  }

  private void awaitPort() throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (System.nanoTime() < deadline && process.isAlive()) {
      try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return;
      } catch (IOException e) {
        process.waitFor(50, TimeUnit.MILLISECONDS);
      }
    }
    throw new IllegalStateException("docker-registry does not listen");
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
