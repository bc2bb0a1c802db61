package io.opensandbox.server.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.server.TestServer.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Sandboxes that do not do as they are told, and hands that reach past the server, on a real
/// engine.
class StubbornSandboxIT {
  @TempDir Path folder;
  private final EngineCommand docker = EngineCommand.shared();
  private final String mark = UUID.randomUUID().toString();

  @SuppressWarnings("NullAway.Init") // every test starts with it
  private ServerChild server;

  @BeforeEach
  void start() {
    docker.obstacle().ifPresent(obstacle -> assumeTrue(false, obstacle));
    server = new ServerChild(folder, "server.create_wait_seconds = 1", Map.of());
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.close();
      docker.sandboxes(label()).forEach(id -> docker.run("rm", "-fv", "sandbox-" + id));
    }
  }

  private String label() {
    return "stubborn=" + mark;
  }

  private Answer create(String image, String entrypoint) {
    return server.send(
        "POST",
        "/v1/sandboxes",
        "{\"image\":{\"uri\":\""
            + image
            + "\"},\"entrypoint\":"
            + entrypoint
            + ",\"resourceLimits\":{},\"timeout\":600,\"metadata\":{\"stubborn\":\""
            + mark
            + "\"}}");
  }

  private String create() {
    Answer answer = create("opensandbox/busybox:local", "[\"sleep\",\"1d\"]");
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    String id = answer.text("id");
    Deadline.await(() -> "the sandbox runs" + server.log(), () -> state(id).equals("Running"));
    return id;
  }

  private String state(String id) {
    Answer answer = server.send("GET", "/v1/sandboxes/" + id);
    return answer.status() == 200 ? answer.text("status", "state") : "gone";
  }

  @Test
  void aSandboxThatIgnoresTermIsDeleted() {
    Answer answer =
        create(
            "opensandbox/busybox:local",
            "[\"sh\",\"-c\",\"trap '' TERM INT HUP; while :; do sleep 1; done\"]");
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);

    assertThat(server.send("DELETE", "/v1/sandboxes/" + answer.text("id")).status()).isEqualTo(204);

    assertThat(docker.sandboxes(label())).isEmpty();
  }

  @Test
  void aPullThatHangsIsPendingAndCanBeDeleted() throws IOException {
    // Its backlog accepts the engine's connection, and nobody ever answers.
    try (var registry = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      Answer answer =
          create("127.0.0.1:" + registry.getLocalPort() + "/hangs:1", "[\"sleep\",\"1d\"]");
      assertThat(answer.status()).as(answer.body()).isEqualTo(202);
      assertThat(answer.text("status", "state")).isEqualTo("Pending");
      String other = create(); // others are not held up

      assertThat(server.send("DELETE", "/v1/sandboxes/" + answer.text("id")).status())
          .isEqualTo(204);

      assertThat(state(answer.text("id"))).isEqualTo("gone");
      assertThat(server.send("DELETE", "/v1/sandboxes/" + other).status()).isEqualTo(204);
      Deadline.await(() -> "nothing is left", () -> docker.sandboxes(label()).isEmpty());
    }
  }

  @Test
  void whatIsDoneBehindItsBackIsSeen() {
    String paused = create();
    String removed = create();
    String killed = create();

    docker.run("pause", "sandbox-" + paused);
    docker.run("rm", "--force", "sandbox-" + removed);
    docker.run("kill", "sandbox-" + killed);

    Deadline.await(() -> "paused", () -> state(paused).equals("Paused"));
    Deadline.await(() -> "removed", () -> state(removed).equals("gone"));
    Deadline.await(() -> "killed", () -> state(killed).equals("Failed"));
    assertThat(server.send("POST", "/v1/sandboxes/" + paused + "/resume").status()).isEqualTo(202);
    assertThat(state(paused)).isEqualTo("Running");
    for (String id : server.send("GET", "/v1/sandboxes").states().keySet()) {
      assertThat(server.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(204);
    }
    assertThat(docker.sandboxes(label())).isEmpty();
  }
}
