package io.opensandbox.server.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.server.TestServer.Answer;
import io.opensandbox.server.store.PostgresqlServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Two real servers on one PostgreSQL and one Docker engine.
class SharedEngineIT {
  private static final int LEASE_SECONDS = 10;

  @TempDir Path folder;
  private final EngineCommand docker = EngineCommand.shared();
  private final String mark = UUID.randomUUID().toString();

  @SuppressWarnings("NullAway.Init") // every test starts with it
  private ServerChild a;

  @SuppressWarnings("NullAway.Init") // every test starts with it
  private ServerChild b;

  @BeforeEach
  void start() throws Exception {
    docker.obstacle().ifPresent(obstacle -> assumeTrue(false, obstacle));
    assumeTrue(PostgresqlServer.isInstalled(), "the Debian package postgresql is not installed");
    String toml = PostgresqlServer.toml(PostgresqlServer.shared().newDatabase(), LEASE_SECONDS);
    a = new ServerChild(Files.createDirectory(folder.resolve("a")), toml, Map.of());
    b = new ServerChild(Files.createDirectory(folder.resolve("b")), toml, Map.of());
  }

  @AfterEach
  void stop() {
    try {
      if (a != null) {
        a.close();
      }
    } finally {
      if (b != null) {
        b.close();
      }
      if (docker.obstacle().isEmpty()) {
        docker.sandboxes(label()).forEach(id -> docker.run("rm", "-fv", "sandbox-" + id));
      }
    }
  }

  private String label() {
    return "shared=" + mark;
  }

  private String body(int timeout) {
    return "{\"image\":{\"uri\":\"opensandbox/busybox:local\"},\"entrypoint\":[\"sleep\",\"1d\"],"
        + "\"resourceLimits\":{},\"timeout\":"
        + timeout
        + ",\"metadata\":{\"shared\":\""
        + mark
        + "\"}}";
  }

  private static Set<String> listed(ServerChild server) {
    return new TreeSet<>(server.send("GET", "/v1/sandboxes?pageSize=200").states().keySet());
  }

  @Test
  void bothWorkAndNothingIsDoneTwice() throws Exception {
    TreeSet<String> ids = new TreeSet<>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Answer>> creates = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        ServerChild server = i % 2 == 0 ? a : b;
        creates.add(threads.submit(() -> server.send("POST", "/v1/sandboxes", body(600))));
      }
      for (Future<Answer> create : creates) {
        assertThat(create.get().status()).as(create.get().body()).isEqualTo(202);
        ids.add(create.get().text("id"));
      }
    }
    assertThat(docker.sandboxes(label())).isEqualTo(ids);
    assertThat(listed(a)).isEqualTo(ids);
    assertThat(listed(b)).isEqualTo(ids);

    String first = ids.first();
    Answer pause = b.send("POST", "/v1/sandboxes/" + first + "/pause");
    assertThat(pause.status()).as(pause.body() + b.log()).isEqualTo(202);
    assertThat(a.send("GET", "/v1/sandboxes/" + first).text("status", "state")).isEqualTo("Paused");
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> deletes = new ArrayList<>();
      for (String id : ids) {
        for (ServerChild server : List.of(a, b)) {
          deletes.add(threads.submit(() -> server.send("DELETE", "/v1/sandboxes/" + id).status()));
        }
      }
      List<Integer> statuses = new ArrayList<>();
      for (Future<Integer> delete : deletes) {
        statuses.add(delete.get());
      }
      assertThat(statuses)
          .containsOnly(204, 404)
          .filteredOn(status -> status == 204)
          .hasSize(ids.size());
    }
    assertThat(docker.sandboxes(label())).isEmpty();
    assertThat(listed(a)).isEmpty();
    assertThat(listed(b)).isEmpty();
  }

  @Test
  void whatAKilledServerWasDoingIsFinishedByTheOther() {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 6; i++) {
        var _ = threads.submit(() -> a.send("POST", "/v1/sandboxes", body(600)));
      }
      Deadline.await(() -> "a container appears", () -> !docker.sandboxes(label()).isEmpty());
      a.kill();
    }

    Deadline.await(
        () -> "listed " + listed(b) + ", containers " + docker.sandboxes(label()) + b.log(),
        () ->
            listed(b).equals(docker.sandboxes(label()))
                && b.send("GET", "/v1/sandboxes").states().values().stream()
                    .allMatch("Running"::equals));
    for (String id : listed(b)) {
      assertThat(b.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(204);
    }
    Deadline.await(() -> "a container is left", () -> docker.sandboxes(label()).isEmpty());
    a.restart();
    assertThat(listed(a)).isEmpty();
  }
}
