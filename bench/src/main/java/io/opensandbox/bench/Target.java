package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Server;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/// What is measured, and how thoroughly.
///
/// @param server the server
/// @param image reference of an image with a shell that the server has already
/// @param engine the Docker engine on which the server runs its sandboxes, for comparison
/// @param execd an execd executable of this machine
/// @param lifecycleServer the program of a lifecycle server of this machine
/// @param quick few repetitions and small files: checks the benchmark, not the server
record Target(
    Server server,
    String image,
    Optional<Engine> engine,
    Optional<Path> execd,
    Optional<Path> lifecycleServer,
    boolean quick) {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /// How often to repeat something that takes `usual` repetitions in a thorough run.
  int times(int usual) {
    return quick ? Math.max(2, usual / 50) : usual;
  }

  /// Bytes of the big file.
  long bigFileBytes() {
    return quick ? 16L << 20 : 1L << 30;
  }

  Map<String, Object> request() {
    var request = Server.request(image);
    request.put("metadata", Map.of("made-by", "bench"));
    request.put("resourceLimits", Map.of("cpu", "2", "memory", "4Gi"));
    return request;
  }

  /// Creates a sandbox and returns its execd once that answers.
  Box open() {
    return open(request());
  }

  /// Creates a sandbox as requested and returns its execd once that answers.
  Box open(Map<String, Object> request) {
    var id = server.create(request).text("id");
    try {
      return new Box(server, id, server.execd(id, PATIENCE));
    } catch (RuntimeException e) {
      server.http().send("DELETE", "/sandboxes/" + id);
      throw e;
    }
  }

  /// A sandbox that is deleted on close.
  record Box(Server server, String id, Execd execd) implements AutoCloseable {
    @Override
    public void close() {
      server.delete(id);
    }
  }
}
