package io.opensandbox.execd.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;

/// The launcher's real broker, serving one test class. `-Dexecd.test.launcher=PATH` names another
/// binary than `sandbox/launcher/target/execd-launcher-x86_64`; without one the tests that need it
/// are skipped.
public final class TestBroker implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);

  private final Process process;
  private final Path folder;

  private TestBroker(Process process, Path folder) {
    this.process = process;
    this.folder = folder;
  }

  /// Starts the broker, or skips the calling test.
  public static TestBroker start() throws IOException {
    Path launcher = launcher();
    Assumptions.assumeTrue(
        Files.isExecutable(launcher), () -> launcher + " is missing: run sandbox/launcher/build");
    Path folder = Files.createTempDirectory("execd-broker");
    Process process =
        new ProcessBuilder(
                launcher.toString(), "broker", "--socket", folder.resolve("socket").toString())
            .inheritIO()
            .start();
    var broker = new TestBroker(process, folder);
    broker.awaitSocket();
    return broker;
  }

  /// The launcher's file, whether it is there or not.
  public static Path launcher() {
    return Path.of(
            System.getProperty("execd.test.launcher", "../launcher/target/execd-launcher-x86_64"))
        .toAbsolutePath()
        .normalize();
  }

  /// Starts processes through this broker.
  public Spawner spawner() {
    return new BrokerSpawner(folder.resolve("socket"), 0);
  }

  private void awaitSocket() throws IOException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (!Files.exists(folder.resolve("socket"))) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        close();
        throw new IOException("the broker did not come up");
      }
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() throws IOException {
    process.destroy();
    process.onExit().join();
    Files.deleteIfExists(folder.resolve("socket"));
    Files.delete(folder);
  }
}
