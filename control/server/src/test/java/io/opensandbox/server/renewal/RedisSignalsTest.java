package io.opensandbox.server.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.runtime.FreePort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Signals of the ingress, through Debian's Redis.
class RedisSignalsTest {
  private static final Instant NOW = Instant.parse("2030-01-01T12:00:00Z");
  private static final String LIST = "signals";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"sandbox_id\":\" s1 \",\"observed_at\":\"2030-01-01T12:00:00Z\"}",
        "{\"sandbox_id\":\"s1\",\"observed_at\":\"2030-01-01T11:55:00.000000001Z\",\"port\":80,\"x\":[]}",
        "{\"sandbox_id\":\"s1\",\"observed_at\":\"2030-01-01T13:59:00+02:00\"}",
        "{\"sandbox_id\":\"s1\",\"observed_at\":\"2030-01-01T12:00:00\"}",
      })
  void tellsOfFreshSignals(String element) {
    assertThat(RedisSignals.sandbox(element, NOW)).hasValue("s1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "[]",
        "{}",
        "{\"sandbox_id\":\"s1\"}",
        "{\"sandbox_id\":\" \",\"observed_at\":\"2030-01-01T12:00:00Z\"}",
        "{\"sandbox_id\":7,\"observed_at\":\"2030-01-01T12:00:00Z\"}",
        "{\"sandbox_id\":\"s1\",\"observed_at\":\"yesterday\"}",
        "{\"sandbox_id\":\"s1\",\"observed_at\":\"2030-01-01T11:54:59Z\"}",
      })
  void dropsWhatIsMalformedOrStale(String element) {
    assertThat(RedisSignals.sandbox(element, NOW)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"redis://:secret@127.0.0.1:%d/2", "redis://default:secret@localhost:%d/2"})
  void readsTheListOfARealServer(String dsn) throws Exception {
    try (var redis = new Redis(folder)) {
      BlockingQueue<String> seen = new LinkedBlockingQueue<>();
      try (var signals =
          new RedisSignals(
              dsn.formatted(redis.port()),
              LIST,
              2,
              Clock.fixed(NOW, Clock.systemUTC().getZone()),
              seen::add)) {
        signals.start();

        redis.push("broken");
        redis.push("{\"sandbox_id\":\"s1\",\"observed_at\":\"2030-01-01T12:00:00Z\"}");
        assertThat(seen.poll(60, TimeUnit.SECONDS)).isEqualTo("s1");
        redis.push("{\"sandbox_id\":\"s2\",\"observed_at\":\"2030-01-01T12:00:00Z\"}");
        assertThat(seen.poll(60, TimeUnit.SECONDS)).isEqualTo("s2");
      }
      assertThat(seen).isEmpty();
    }
  }

  /// Debian's redis-server on a port of the loopback.
  private static final class Redis implements AutoCloseable {
    private static final Path PROGRAM = Path.of("/usr/bin/redis-server");
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int TRIES = 5;

    private final Process process;
    private final int port;

    Redis(Path folder) throws Exception {
      assumeTrue(Files.isExecutable(PROGRAM), "no " + PROGRAM + " (package redis-server)");
      @Nullable Process running = null;
      int chosen = 0;
      for (int i = 0; i < TRIES && running == null; i++) {
        chosen = FreePort.find();
        running = start(folder, chosen); // null when somebody else was faster at the port
      }
      if (running == null) {
        throw new IllegalStateException("redis-server does not start");
      }
      this.process = running;
      this.port = chosen;
    }

    private static @Nullable Process start(Path folder, int port) throws Exception {
      Process process =
          new ProcessBuilder(
                  PROGRAM.toString(),
                  "--port",
                  Integer.toString(port),
                  "--bind",
                  "127.0.0.1",
                  "--requirepass",
                  "secret",
                  "--save",
                  "",
                  "--dir",
                  folder.toString())
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("redis.log").toFile())
              .start();
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (System.nanoTime() - deadline < 0 && process.isAlive()) {
        try (var _ = RedisConnection.open(RedisAddress.parse(address(port)))) {
          return process;
        } catch (IOException _) { // not yet
          process.waitFor(20, TimeUnit.MILLISECONDS);
        }
      }
      process.destroyForcibly().waitFor();
      return null;
    }

    private static String address(int port) {
      return "redis://:secret@127.0.0.1:" + port + "/2";
    }

    int port() {
      return port;
    }

    void push(String element) throws IOException {
      try (RedisConnection connection = RedisConnection.open(RedisAddress.parse(address(port)))) {
        connection.call(List.of("LPUSH", LIST, element));
      }
    }

    @Override
    public void close() {
      process.destroyForcibly().onExit().join();
    }
  }
}
