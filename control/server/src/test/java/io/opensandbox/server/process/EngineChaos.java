package io.opensandbox.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.server.TestServer.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An engine that stops, dies, has no space or has been tampered with. Afterwards nothing is
/// leaked, every state is true, and deleting converges.
class EngineChaos {
  @TempDir Path folder;

  @SuppressWarnings("NullAway.Init") // every test starts with it
  private OwnEngine engine;

  @SuppressWarnings("NullAway.Init") // every test starts with it
  private ServerChild server;

  @BeforeEach
  void start() throws IOException {
    engine = new OwnEngine();
    server = new ServerChild(folder, "", Map.of("DOCKER_HOST", engine.docker().address()));
  }

  @AfterEach
  void stop() throws IOException {
    try {
      if (server != null) {
        server.close();
      }
    } finally {
      if (engine != null) {
        engine.close();
      }
    }
  }

  private Answer tryCreate() {
    return server.send(
        "POST",
        "/v1/sandboxes",
        "{\"image\":{\"uri\":\"opensandbox/busybox:local\"},\"entrypoint\":[\"sleep\",\"1d\"],"
            + "\"resourceLimits\":{},\"timeout\":3600,\"metadata\":{\"team\":\"a\"}}");
  }

  private String create() {
    Answer answer = tryCreate();
    assertThat(answer.status()).as(answer.body() + server.log()).isEqualTo(202);
    return answer.text("id");
  }

  private String state(String id) {
    Answer answer = server.send("GET", "/v1/sandboxes/" + id);
    return answer.status() == 200 ? answer.text("status", "state") : "gone";
  }

  private void deleteAll() {
    for (String id : server.send("GET", "/v1/sandboxes").states().keySet()) {
      assertThat(server.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(204);
      assertThat(server.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(404);
    }
    assertThat(engine.docker().sandboxes("opensandbox.io/id")).isEmpty();
  }

  @Test
  void aRestartedEngineIsFollowedAgain() {
    String running = create();
    String paused = create();
    assertThat(server.send("POST", "/v1/sandboxes/" + paused + "/pause").status()).isEqualTo(202);

    engine.stop();
    assertThat(server.send("GET", "/v1/sandboxes").states()).containsOnlyKeys(running, paused);
    assertThat(tryCreate().status()).isGreaterThanOrEqualTo(500);
    engine.restart();

    // The engine ends its containers with it.
    Deadline.await(() -> "it is seen to have ended", () -> state(running).matches("Failed|Term.*"));
    Deadline.await(() -> "it is seen to have ended", () -> state(paused).matches("Failed|Term.*"));
    Deadline.await(
        () -> "the create that failed leaves nothing",
        () -> server.send("GET", "/v1/sandboxes").states().size() == 2);
    String next = create();
    assertThat(state(next)).isEqualTo("Running");
    engine.docker().run("kill", "sandbox-" + next);
    Deadline.await(() -> "events flow again", () -> state(next).equals("Failed"));
    deleteAll();
  }

  @Test
  void aDeleteWhileTheEngineIsAwayIsDoneWhenItIsBack() {
    String id = create();
    engine.kill();

    assertThat(server.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(500);
    assertThat(state(id)).isEqualTo("Stopping");
    engine.restart();

    Deadline.await(() -> "it is gone", () -> state(id).equals("gone"));
    assertThat(engine.docker().sandboxes("opensandbox.io/id")).isEmpty();
  }

  @Test
  void aServerThatStartsAfterItsEngineDiedKnowsTheTruth() {
    String id = create();
    server.kill();
    engine.kill();
    engine.restart();

    server.restart();

    Deadline.await(() -> "its end is seen", () -> state(id).matches("Failed|Terminated|Running"));
    deleteAll();
  }

  @Test
  void aFullDiskFailsCreatesAndLeavesNothing() throws IOException {
    assertThat(state(create())).isEqualTo("Running");
    Path ballast = engine.fillDisk();

    Answer answer = tryCreate();

    assertThat(answer.status()).as(answer.body()).isEqualTo(500);
    assertThat(answer.text("code")).startsWith("DOCKER::");
    Files.delete(ballast);
    Deadline.await(
        () -> "nothing is left of it",
        () ->
            server
                .send("GET", "/v1/sandboxes")
                .states()
                .keySet()
                .equals(engine.docker().sandboxes("opensandbox.io/id")));
    assertThat(state(create())).isEqualTo("Running");
    deleteAll();
  }

  @Test
  void labelsEditedByHandChangeNothing() throws IOException {
    String id = create();
    String container =
        engine.docker().run("inspect", "--format", "{{.Id}}", "sandbox-" + id).getFirst();
    String expiry = server.send("GET", "/v1/sandboxes/" + id).text("expiresAt");
    engine.stop();
    Path file = engine.data().resolve("containers").resolve(container).resolve("config.v2.json");
    String config = Files.readString(file);
    String edited =
        config
            .replaceAll(
                "\"opensandbox.io/expires-at\":\"[^\"]*\"",
                "\"opensandbox.io/expires-at\":\"2001-01-01T00:00:00+00:00\"")
            .replace("\"team\":\"a\"", "\"team\":\"b\"");
    assertThat(edited).isNotEqualTo(config);
    Files.writeString(file, edited);
    engine.restart();

    Deadline.await(() -> "its end is seen", () -> state(id).matches("Failed|Terminated"));
    Answer answer = server.send("GET", "/v1/sandboxes/" + id);
    assertThat(answer.text("metadata", "team")).isEqualTo("a");
    assertThat(answer.text("expiresAt")).isEqualTo(expiry);
    server.kill();
    server.restart();
    assertThat(server.send("GET", "/v1/sandboxes/" + id).text("expiresAt")).isEqualTo(expiry);
    deleteAll();
  }
}
