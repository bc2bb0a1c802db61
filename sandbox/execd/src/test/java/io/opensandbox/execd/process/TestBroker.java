package io.opensandbox.execd.process;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// The launcher's real broker, serving one test class as a static `@RegisterExtension`, or whoever
/// starts it. `-Dexecd.test.launcher=PATH` names another binary than
/// `sandbox/launcher/target/execd-launcher-x86_64`; without one the tests that need it are skipped.
public final class TestBroker implements BeforeAllCallback, AfterAllCallback, AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);

  private @Nullable Process process;
  private Path folder = Path.of("");

  /// Starts a broker, or skips the calling test.
  ///
  /// @param prefix a command that executes the one after it, for example to limit it
  public static TestBroker start(String... prefix) throws IOException {
    var broker = new TestBroker();
    broker.begin(prefix);
    return broker;
  }

  /// Where it listens.
  public Path socket() {
    return folder.resolve("socket");
  }

  @Override
  public void beforeAll(ExtensionContext context) throws IOException {
    begin();
  }

  private void begin(String... prefix) throws IOException {
    Path launcher = launcher();
    Assumptions.assumeTrue(
        Files.isExecutable(launcher), () -> launcher + " is missing: run sandbox/launcher/build");
    folder = Files.createTempDirectory("execd-broker");
    List<String> command = new ArrayList<>(List.of(prefix));
    command.addAll(
        List.of(launcher.toString(), "broker", "--socket", folder.resolve("socket").toString()));
    Process started = new ProcessBuilder(command).inheritIO().start();
    process = started;
    awaitSocket(started);
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

  private void awaitSocket(Process started) throws IOException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (!accepts()) {
      if (!started.isAlive() || System.nanoTime() > deadline) {
        close();
        throw new IOException("the broker did not come up");
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /// The file is there a moment before the broker listens.
  private boolean accepts() {
    try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("socket")))) {
      return channel.isConnected();
    } catch (IOException _) { // not yet
      return false;
    }
  }

  @Override
  public void afterAll(ExtensionContext context) throws IOException {
    close();
  }

  @Override
  public void close() throws IOException {
    if (process != null) {
      process.destroy();
      process.onExit().join();
      Files.deleteIfExists(folder.resolve("socket"));
      Files.delete(folder);
    }
  }
}
