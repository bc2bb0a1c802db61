package io.opensandbox.e2e.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.ServerProcess;
import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Json;
import io.opensandbox.e2e.wire.Server;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What holds for pools on every engine.
abstract class PoolTck {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final long MEMORY = 128L << 20;

  private final String pool = "e2e-" + UUID.randomUUID();
  @TempDir private Path folder;
  private ServerProcess process;
  private Server server;

  /// Starts the server.
  abstract ServerProcess start(Path state);

  /// The ids of the sandboxes of a pool that the engine has, in whatever state, claimed or not.
  ///
  /// @param state of the server
  abstract Set<String> onTheEngine(Path state, String pool);

  /// Kills all processes of a sandbox behind the server's back.
  abstract void killAll(String id);

  /// What the server has put outside its folder and not taken away again, when it has ended without
  /// a sandbox.
  abstract Set<String> leftOnTheHost(Path state);

  @BeforeEach
  void startServer() {
    process = start(folder);
    server = process.client();
  }

  @AfterEach
  void removeEverything() {
    try {
      server.http().send("DELETE", "/pools/" + pool);
      for (Json left : server.list("?pageSize=200").at("items").items()) {
        server.http().send("DELETE", "/sandboxes/" + left.text("id"));
      }
      for (Json left : server.http().send("GET", "/snapshots").json().at("items").items()) {
        server.http().send("DELETE", "/snapshots/" + left.text("id"));
      }
      awaitMembers(0);
    } finally {
      process.close();
    }
    assertThat(leftOnTheHost(folder)).as(process.log()).isEmpty();
  }

  @Test
  void claim_givesAWaitingMember_withItsLimitsAndWhatTheRequestAsksFor() {
    create(2);

    var claimed = claim();

    var seen = server.get(claimed.text("id"));
    assertThat(seen.at("metadata").text("team")).isEqualTo("pools");
    assertThat(seen.at("status").text("state")).isEqualTo("Running");
    var execd = server.execd(claimed.text("id"), PATIENCE);
    assertThat(execd.run("echo $FROM_TEMPLATE $FROM_CLAIM").stdout())
        .containsExactly("template claim");
    assertThat(
            execd
                .run(
                    "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes"
                        + " 2>/dev/null")
                .stdout())
        .contains(Long.toString(MEMORY));
    awaitStatus(2, 1);
    assertThat(members()).hasSize(3);
  }

  @Test
  void claimsEnvironment_isInASnapshotLikeAnyOther_andARestoresOwnWins() {
    create(1);
    String snapshot = snapshot(claim().text("id"));

    String plain = restore(snapshot, Map.of());
    String own = restore(snapshot, Map.of("FROM_CLAIM", "restore", "OWN", "own"));

    assertThat(environment(plain)).containsExactly("template claim none");
    assertThat(environment(own)).containsExactly("template restore own");
    assertThat(environment(restore(snapshot(own), Map.of("OWN", "again"))))
        .containsExactly("template restore again");
  }

  private String snapshot(String sandbox) {
    String id =
        server
            .http()
            .send("POST", "/sandboxes/" + sandbox + "/snapshots")
            .expect(202)
            .json()
            .text("id");
    server.awaitSnapshot(id, PATIENCE);
    return id;
  }

  private String restore(String snapshot, Map<String, String> env) {
    return server
        .create(
            Map.of("snapshotId", snapshot, "env", env, "resourceLimits", Map.of(), "timeout", 600))
        .text("id");
  }

  private List<String> environment(String id) {
    return server.execd(id, PATIENCE).run("echo $FROM_TEMPLATE $FROM_CLAIM ${OWN:-none}").stdout();
  }

  @Test
  void killedServer_findsItsMembersAgain_andLosesNone() {
    create(2);
    var claimed = claim().text("id");
    awaitStatus(2, 1);
    var before = members();

    process.kill();
    process.restart();

    awaitStatus(2, 1);
    assertThat(members()).isEqualTo(before);
    assertThat(server.execd(claimed, PATIENCE).run("echo $FROM_CLAIM").stdout())
        .containsExactly("claim");
    assertThat(before).contains(claim().text("id"));
  }

  @Test
  void serverKilledWhileItMakesMembers_leavesNoneBehind() {
    create(1);
    resize(4);
    Deadline.in(PATIENCE).await(() -> members().size() > 1, "no further member is begun");

    process.kill();
    process.restart();

    awaitStatus(4, 0);
    awaitMembers(4);
  }

  @Test
  void memberThatDies_isReplaced() {
    create(2);
    var dead = members().iterator().next();

    killAll(dead);

    Deadline.in(PATIENCE).await(() -> !members().contains(dead), "the dead member stays");
    awaitStatus(2, 0);
    awaitMembers(2);
  }

  @Test
  void removedPool_takesItsWaitingMembersWithIt_andNoClaimedOne() {
    create(2);
    var claimed = claim().text("id");
    awaitStatus(2, 1);

    server.http().send("DELETE", "/pools/" + pool).expect(204);

    awaitMembers(1);
    assertThat(members()).containsExactly(claimed);
    assertThat(server.execd(claimed, PATIENCE).run("echo lives").stdout()).containsExactly("lives");
    server.delete(claimed);
    awaitMembers(0);
  }

  /// Makes the pool and waits until it is full.
  private void create(int waiting) {
    var container =
        Map.of(
            "name",
            "sandbox",
            "image",
            Images.BUSYBOX.reference(),
            "env",
            List.of(Map.of("name", "FROM_TEMPLATE", "value", "template")),
            "resources",
            Map.of("limits", Map.of("memory", "128Mi", "cpu", "1")));
    server
        .http()
        .sendJson(
            "POST",
            "/pools",
            Map.of(
                "name",
                pool,
                "template",
                Map.of("spec", Map.of("containers", List.of(container))),
                "capacitySpec",
                capacity(waiting)))
        .expect(201);
    awaitStatus(waiting, 0);
  }

  private void resize(int waiting) {
    server
        .http()
        .sendJson("PUT", "/pools/" + pool, Map.of("capacitySpec", capacity(waiting)))
        .expect(200);
  }

  private static Map<String, Integer> capacity(int waiting) {
    return Map.of("bufferMin", waiting, "bufferMax", waiting, "poolMin", 0, "poolMax", 10);
  }

  /// A claim that got a member. A starved machine's member may take too long to answer, and the
  /// claim is a new sandbox then: it is given back, and the next one tried.
  private Json claim() {
    var deadline = Deadline.in(PATIENCE);
    while (true) {
      var waiting = members();
      var claimed =
          server.create(
              Map.of(
                  "extensions",
                  Map.of("poolRef", pool),
                  "env",
                  Map.of("FROM_CLAIM", "claim"),
                  "metadata",
                  Map.of("team", "pools"),
                  "timeout",
                  600));
      if (waiting.contains(claimed.text("id"))) {
        return claimed;
      }
      server.delete(claimed.text("id"));
      deadline.pauseOrFail("no claim gets a member: " + process.log());
    }
  }

  private void awaitStatus(int available, int allocated) {
    var deadline = Deadline.in(PATIENCE);
    while (true) {
      var status = server.http().send("GET", "/pools/" + pool).expect(200).json().at("status");
      if (status.number("available") == available
          && status.number("allocated") == allocated
          && status.number("total") == available + allocated) {
        return;
      }
      deadline.pauseOrFail(
          "not %d waiting and %d claimed but %s: %s"
              .formatted(available, allocated, status, process.log()));
    }
  }

  private Set<String> members() {
    return new HashSet<>(onTheEngine(folder, pool));
  }

  private void awaitMembers(int count) {
    Deadline.in(PATIENCE)
        .await(() -> members().size() == count, "the engine does not have " + count);
  }
}
