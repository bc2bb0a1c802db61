package io.opensandbox.e2e.testbed;

import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Json;
import io.opensandbox.e2e.wire.Server;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/// A sandbox for one test, deleted on close. A test may delete it earlier.
///
/// @param server where it lives
/// @param created the create reply
/// @param execd its execd, which answered once already
public record TestSandbox(Server server, Json created, Execd execd) implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /// A sandbox on any server, ready for commands. Adds the run's metadata.
  public static TestSandbox create(Server server, Map<String, Object> request) {
    var body = new LinkedHashMap<>(request);
    body.putIfAbsent("metadata", Map.of(Testbed.RUN_KEY, Testbed.RUN));
    var created = server.create(body);
    try {
      return new TestSandbox(server, created, server.execd(created.text("id"), PATIENCE));
    } catch (RuntimeException e) {
      server.http().send("DELETE", "/sandboxes/" + created.text("id"));
      throw e;
    }
  }

  /// The sandbox's id.
  public String id() {
    return created.text("id");
  }

  @Override
  public void close() {
    var status = server.http().send("DELETE", "/sandboxes/" + id()).status();
    if (status != 204 && status != 404) {
      throw new IllegalStateException("deleting " + id() + " answered " + status);
    }
  }
}
