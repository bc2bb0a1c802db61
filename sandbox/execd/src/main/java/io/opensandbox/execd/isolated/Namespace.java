package io.opensandbox.execd.isolated;

import io.opensandbox.execd.process.BrokerSpawner;
import io.opensandbox.execd.process.OutputHandler;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.execd.process.SignalTarget;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.execd.process.Spawner;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A running bubblewrap and the broker in it.
final class Namespace implements AutoCloseable {
  private static final Duration START_TIME = Duration.ofSeconds(30);
  private static final Duration END_TIME = Duration.ofSeconds(5);
  private static final int CHILD_OOM_SCORE = 500;
  private static final String READY = "ready\n";

  private final RunningProcess process;
  private final Spawner spawner;
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final Collector said = new Collector();
  private volatile boolean alive = true;

  /// What the namespace's mounts are below, from outside; set before it is ready.
  private volatile Path root = Path.of("/");

  private Namespace(RunningProcess process, Path socket) {
    this.process = process;
    this.spawner = BrokerSpawner.inNamespace(socket, CHILD_OOM_SCORE);
  }

  /// Starts bubblewrap and waits until the broker in it serves.
  ///
  /// @param socket the broker's, as seen from outside
  /// @throws IOException with what bubblewrap said when it could not
  static Namespace start(Spawner outside, ProcessSpec bubblewrap, Path socket) throws IOException {
    RunningProcess process = outside.start(bubblewrap);
    var namespace = new Namespace(process, socket);
    Thread.ofVirtual().name("isolated-namespace").start(namespace::watch);
    try {
      namespace.ready.get(START_TIME.toNanos(), TimeUnit.NANOSECONDS);
      return namespace;
    } catch (ExecutionException e) {
      process.close();
      Throwable cause = e.getCause();
      throw new SpawnException(String.valueOf(cause == null ? e : cause.getMessage()), e);
    } catch (TimeoutException e) {
      process.close();
      throw new SpawnException("bubblewrap did not come up", e);
    } catch (InterruptedException e) {
      process.close();
      Thread.currentThread().interrupt();
      throw new SpawnException("interrupted while bubblewrap came up", e);
    }
  }

  private void watch() {
    try {
      root = Path.of("/proc", Long.toString(process.awaitStart()), "root");
      process.drain(said);
      ready.completeExceptionally(new SpawnException(said.text().strip()));
    } catch (IOException e) {
      ready.completeExceptionally(e);
    } finally {
      alive = false;
    }
  }

  /// Starts processes inside.
  Spawner spawner() {
    return spawner;
  }

  /// A path with the mounts that were made for the namespace, as it is reached from outside.
  Path outside(Path path) {
    return root.resolve(Path.of("/").relativize(path));
  }

  /// Whether processes can still be started.
  boolean isAlive() {
    return alive;
  }

  /// Kills everything inside and waits for bubblewrap's end.
  @Override
  public void close() {
    try {
      process.signal(Signal.KILL, SignalTarget.GROUP);
      process.awaitExit(END_TIME);
    } catch (IOException _) {
      // The broker outside is gone, and bubblewrap with it.
    }
    process.close();
    alive = false;
  }

  /// Keeps the first words of bubblewrap and of the broker.
  private final class Collector implements OutputHandler {
    private static final int MAX_BYTES = 2048;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public void stdout(byte[] buffer, int offset, int length) {
      bytes.write(buffer, offset, Math.min(length, MAX_BYTES - bytes.size()));
      if (text().endsWith(READY)) {
        ready.complete(null);
      }
    }

    @Override
    public void stderr(byte[] buffer, int offset, int length) {
      stdout(buffer, offset, length);
    }

    String text() {
      return bytes.toString(StandardCharsets.UTF_8);
    }
  }
}
