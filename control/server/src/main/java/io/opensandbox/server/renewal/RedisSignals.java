package io.opensandbox.server.renewal;

import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.http.Timestamps;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import io.opensandbox.server.json.JsonSyntaxException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads signals of access that the ingress puts into a list in Redis. A Redis that is away is
/// tried again every second; the proxy's own signals do not need it.
public final class RedisSignals implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RedisSignals.class);
  private static final Duration STALE = Duration.ofMinutes(5);
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final int WAIT_SECONDS = 5;

  private final RedisAddress address;
  private final String list;
  private final int readers;
  private final InstantSource clock;
  private final Consumer<String> accessed;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Set<RedisConnection> connections = ConcurrentHashMap.newKeySet();
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("redis-", 0).factory());

  /// @param dsn `redis://[user:password@]host[:port][/database]`
  /// @param list to read from
  /// @param readers connections that wait for signals
  /// @param accessed is told the id of a sandbox that was used; returns at once
  public RedisSignals(
      String dsn, String list, int readers, InstantSource clock, Consumer<String> accessed) {
    this.address = RedisAddress.parse(dsn);
    this.list = list;
    this.readers = readers;
    this.clock = clock;
    this.accessed = accessed;
  }

  /// Begins to read.
  public void start() {
    for (int i = 0; i < readers; i++) {
      boolean first = i == 0; // the others would log the same
      threads.execute(() -> read(first));
    }
  }

  private void read(boolean tells) {
    boolean told = false;
    while (closed.getCount() > 0) {
      try (RedisConnection connection = RedisConnection.open(address)) {
        connections.add(connection);
        if (tells) {
          LOG.info("renew_event=redis_connected address={}", address);
          told = false;
        }
        follow(connection);
      } catch (IOException e) {
        if (tells && !told && closed.getCount() > 0) {
          told = true;
          LOG.warn(
              "renew_event=workers_not_started renew_skip_reason=redis_connect_failed"
                  + " address={}, trying again every second: {}",
              address,
              e.getMessage());
        }
      }
      if (isClosedWithin(PAUSE)) {
        return;
      }
    }
  }

  private void follow(RedisConnection connection) throws IOException {
    try {
      while (closed.getCount() > 0) {
        connection
            .takeLast(list, WAIT_SECONDS)
            .flatMap(element -> sandbox(element, clock.instant()))
            .ifPresent(accessed);
      }
    } finally {
      connections.remove(connection);
    }
  }

  private boolean isClosedWithin(Duration pause) {
    try {
      return closed.await(pause.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  /// The sandbox that an element of the list tells of; empty when the element is malformed or too
  /// old to matter.
  static Optional<String> sandbox(String element, Instant now) {
    try {
      if (JsonParser.parse(element) instanceof Json.Obj signal
          && signal.member("sandbox_id") instanceof Json.Str id
          && signal.member("observed_at") instanceof Json.Str observed
          && !id.value().isBlank()) {
        Instant at = Timestamps.parse("observed_at", observed.value());
        return at.isBefore(now.minus(STALE)) ? Optional.empty() : Optional.of(id.value().strip());
      }
    } catch (JsonSyntaxException | SandboxException _) { // dropped, as the contract wants
      return Optional.empty();
    }
    return Optional.empty();
  }

  @Override
  public void close() {
    closed.countDown();
    connections.forEach(RedisConnection::close);
    threads.shutdownNow();
  }
}
