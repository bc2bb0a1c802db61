package io.opensandbox.server.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.server.TestServer.Answer;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Snapshots of restored sandboxes on a real engine: each outlives its source and its ancestors,
/// and layers that nobody uses any more go.
class SnapshotChainIT {
  private static final EngineCommand DOCKER = EngineCommand.shared();

  @TempDir Path folder;

  @Test
  void eachIsRestorableWithoutItsAncestors_andTheLastTakesTheLayersAlong() {
    DOCKER.obstacle().ifPresent(obstacle -> assumeTrue(false, obstacle));
    try (var server = new ServerChild(folder, "", Map.of())) {
      String source =
          create(
              server,
              "\"image\":{\"uri\":\"opensandbox/busybox:local\"},\"entrypoint\":[\"sleep\",\"1d\"]");
      String first = snapshot(server, source);
      delete(server, "/v1/sandboxes/" + source);
      String restored = create(server, "\"snapshotId\":\"" + first + "\"");
      String second = snapshot(server, restored);
      String firstImage = imageOf(first);
      String secondImage = imageOf(second);

      Answer used = server.send("DELETE", "/v1/snapshots/" + first);
      assertThat(used.status()).as(used.body()).isEqualTo(409);
      assertThat(used.text("code")).isEqualTo("SNAPSHOT::DELETE_CONFLICT");
      assertThat(server.send("GET", "/v1/snapshots/" + first).text("status", "state"))
          .isEqualTo("Ready");
      delete(server, "/v1/sandboxes/" + restored);
      delete(server, "/v1/snapshots/" + first);
      delete(server, "/v1/sandboxes/" + create(server, "\"snapshotId\":\"" + second + "\""));
      delete(server, "/v1/snapshots/" + second);

      for (String image : new String[] {firstImage, secondImage}) {
        assertThatThrownBy(() -> DOCKER.run("image", "inspect", image))
            .hasMessageContaining("No such");
      }
    }
  }

  private static String create(ServerChild server, String source) {
    Answer answer =
        server.send(
            "POST", "/v1/sandboxes", "{" + source + ",\"resourceLimits\":{},\"timeout\":600}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    return answer.text("id");
  }

  private static String snapshot(ServerChild server, String sandbox) {
    String id = server.send("POST", "/v1/sandboxes/" + sandbox + "/snapshots").text("id");
    Deadline.await(
        () -> "the snapshot is ready",
        () -> server.send("GET", "/v1/snapshots/" + id).text("status", "state").equals("Ready"));
    return id;
  }

  private static String imageOf(String snapshot) {
    return DOCKER
        .run("image", "inspect", "--format", "{{.Id}}", "opensandbox-snapshots:" + snapshot)
        .getFirst();
  }

  private static void delete(ServerChild server, String path) {
    Answer answer = server.send("DELETE", path);
    assertThat(answer.status()).as(answer.body()).isEqualTo(204);
  }
}
