package io.opensandbox.e2e.crash;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Docker;
import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.ServerProcess;
import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Json;
import io.opensandbox.e2e.wire.Server;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a crash of the server must not change.
class ServerCrashIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String mark = UUID.randomUUID().toString();
  private final String filter = "?" + Server.metadataQuery("crash", mark) + "&pageSize=200";
  @TempDir private Path folder;
  private ServerProcess process;
  private Server server;

  @BeforeEach
  void startServer() {
    process = ServerProcess.start(folder);
    server = process.client();
  }

  @AfterEach
  void stopServer() {
    for (var left : listed()) {
      server.http().send("DELETE", "/sandboxes/" + left.text("id"));
    }
    process.close();
  }

  @Test
  void sandboxesSurvive_withTheirStateAndExpiry() {
    var running = server.create(request(Images.PYTHON));
    var renewed = server.create(request(Images.BUSYBOX));
    server.execd(running.text("id"), PATIENCE).write("/tmp/kept.txt", "kept");
    server.renew(renewed.text("id"), Instant.now().plus(Duration.ofHours(2)));
    var before = states();

    process.kill();
    process.restart();

    assertThat(states()).isEqualTo(before);
    var execd = server.execd(running.text("id"), PATIENCE);
    assertThat(execd.read("/tmp/kept.txt")).asString().isEqualTo("kept");
    assertThat(execd.run("echo again").stdout()).containsExactly("again");
    server.delete(renewed.text("id"));
    assertThat(server.http().send("DELETE", "/sandboxes/" + renewed.text("id")).status())
        .isEqualTo(404);
  }

  @Test
  void killedAmidCreates_leavesNothingUnlisted_andEverythingDeletable() {
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 6; i++) {
        var _ =
            tasks.submit(
                () -> server.http().sendJson("POST", "/sandboxes", request(Images.BUSYBOX)));
      }
      Deadline.in(PATIENCE).await(() -> !containers().isEmpty(), "no container appears");
      process.kill();
    }

    process.restart();

    // Each container of ours is a listed sandbox, and each listed sandbox reaches a final state.
    Deadline.in(PATIENCE)
        .await(
            () -> listedIds().containsAll(containers()) && noneIs("Pending"),
            "unlisted containers or unfinished sandboxes remain");
    for (var id : listedIds()) {
      server.delete(id);
      assertThat(server.http().send("DELETE", "/sandboxes/" + id).status()).isEqualTo(404);
    }
    Deadline.in(PATIENCE).await(() -> containers().isEmpty(), "containers leak");
  }

  @Test
  void killedAmidDeletes_convergesToGone() {
    var ids = new ArrayList<String>();
    for (int i = 0; i < 4; i++) {
      ids.add(server.create(request(Images.BUSYBOX)).text("id"));
    }
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      for (var id : ids) {
        var _ = tasks.submit(() -> server.http().send("DELETE", "/sandboxes/" + id));
      }
      Deadline.in(PATIENCE).await(() -> containers().size() < 4, "no container goes away");
      process.kill();
    }

    process.restart();

    for (var id : ids) {
      assertThat(server.http().send("DELETE", "/sandboxes/" + id).status()).isIn(204, 404);
      assertThat(server.http().send("DELETE", "/sandboxes/" + id).status()).isEqualTo(404);
    }
    Deadline.in(PATIENCE).await(() -> containers().isEmpty(), "containers leak");
    assertThat(listed()).isEmpty();
  }

  @Test
  void containerRemovedWhileDown_isNotListedAsRunning() {
    var id = server.create(request(Images.BUSYBOX)).text("id");
    process.kill();
    Docker.run("rm", "--force", containerOf(id));

    process.restart();

    Deadline.in(PATIENCE)
        .await(() -> !stateOf(id).equals("Running"), "a removed container still counts as running");
  }

  private Map<String, Object> request(Images image) {
    var request = Server.request(image.reference());
    request.put("metadata", Map.of("crash", mark));
    return request;
  }

  private String stateOf(String id) {
    var reply = server.http().send("GET", "/sandboxes/" + id);
    return reply.status() == 404 ? "gone" : reply.json().at("status").text("state");
  }

  private List<Json> listed() {
    return server.list(filter).at("items").items();
  }

  private Set<String> listedIds() {
    return listed().stream().map(item -> item.text("id")).collect(Collectors.toSet());
  }

  private boolean noneIs(String state) {
    return listed().stream().noneMatch(item -> item.at("status").text("state").equals(state));
  }

  private Map<String, String> states() {
    return listed().stream()
        .collect(
            Collectors.toMap(
                item -> item.text("id"),
                item ->
                    item.at("status").text("state")
                        + " until "
                        + OffsetDateTime.parse(item.text("expiresAt"))));
  }

  private String containerOf(String id) {
    return Docker.run("ps", "--all", "--quiet", "--filter", "label=opensandbox.io/id=" + id)
        .getFirst();
  }

  private Set<String> containers() {
    return Set.copyOf(
        Docker.run(
            "ps",
            "--all",
            "--filter",
            "label=crash=" + mark,
            "--format",
            "{{.Label \"opensandbox.io/id\"}}"));
  }
}
