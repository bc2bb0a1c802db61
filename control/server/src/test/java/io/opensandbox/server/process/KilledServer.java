package io.opensandbox.server.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.server.TestServer.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/// A real server killed with SIGKILL at each of its changes of a real engine, and started again.
/// Afterwards nothing is leaked, every state is true, and deleting converges.
final class KilledServer implements AutoCloseable {
  private static final int MOST_CHANGES = 20;

  private final EngineCommand docker = EngineCommand.shared();
  private final String mark = UUID.randomUUID().toString();
  private final Path folder;
  private final EngineRelay relay;
  private final ServerChild server;
  private String subject = "";

  /// Skips the test where there is no engine with the images.
  KilledServer(Path serverFolder) throws IOException {
    Optional<String> obstacle = docker.obstacle();
    assumeTrue(obstacle.isEmpty(), () -> obstacle.orElse(""));
    Path engine = Path.of(docker.address().replaceFirst("^unix://", ""));
    assumeTrue(Files.exists(engine), "the engine is not on this machine");
    // JUnit's folders may be too long for the path of a socket.
    this.folder = Files.createTempDirectory("relay");
    this.relay = new EngineRelay(folder.resolve("s"), engine);
    this.server = new ServerChild(serverFolder, "", Map.of("DOCKER_HOST", relay.address()));
  }

  /// What is going on when the server is killed.
  enum Operation {
    CREATE,
    DELETE,
    PAUSE,
    RESUME,
    SNAPSHOT,
    RESTORE,
    DELETE_SNAPSHOT
  }

  /// Kills the server at each change that `operation` makes.
  ///
  /// @param after whether the engine does the change at which it is killed
  void killAtEachChange(Operation operation, boolean after) {
    int change = 0;
    boolean died = true;
    while (died) {
      assertThat(change).as("it ends without dying").isLessThan(MOST_CHANGES);
      died = killAt(operation, change, after);
      change++;
    }
    assertThat(change).as("it changes something").isGreaterThan(1);
  }

  private boolean killAt(Operation operation, int change, boolean after) {
    prepare(operation);
    relay.killAt(change, after, server.process());
    perform(operation);
    boolean died = relay.spare();
    if (died) {
      server.kill(); // the relay did; this waits until it is gone
      server.restart();
    }

    String what = operation + " killed at change " + change + (after ? ", done" : ", not done");
    settled(what);
    deleteAll(what);
    return died;
  }

  private void prepare(Operation operation) {
    switch (operation) {
      case CREATE -> subject = "";
      case DELETE, PAUSE, SNAPSHOT -> subject = create();
      case RESUME -> {
        subject = create();
        assertThat(server.send("POST", path() + "/pause").status()).isEqualTo(202);
      }
      case RESTORE, DELETE_SNAPSHOT -> {
        subject = create();
        subject = server.send("POST", path() + "/snapshots").text("id");
        Deadline.await(() -> "a snapshot is ready", () -> "Ready".equals(snapshots().get(subject)));
      }
    }
    // The first create waits for execd, whose preparation changes the engine too.
    if (operation == Operation.CREATE) {
      assertThat(server.send("DELETE", "/v1/sandboxes/" + create()).status()).isEqualTo(204);
    }
  }

  private String path() {
    return "/v1/sandboxes/" + subject;
  }

  private String create() {
    String image =
        "\"image\":{\"uri\":\"opensandbox/busybox:local\"},\"entrypoint\":[\"sleep\",\"1d\"]";
    Answer answer = server.send("POST", "/v1/sandboxes", body(image, "a"));
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    return answer.text("id");
  }

  private String body(String source, String volume) {
    return "{"
        + source
        + ",\"resourceLimits\":{\"cpu\":\"1\"},\"timeout\":600,\"metadata\":{\"killed\":\""
        + mark
        + "\"},\"volumes\":[{\"name\":\"v\",\"mountPath\":\"/data\",\"pvc\":{\"claimName\":\"k"
        + mark
        + volume
        + "\",\"deleteOnSandboxTermination\":true}}]}";
  }

  private void perform(Operation operation) {
    try {
      switch (operation) {
        case CREATE -> create();
        case DELETE -> server.send("DELETE", path());
        case PAUSE -> server.send("POST", path() + "/pause");
        case RESUME -> server.send("POST", path() + "/resume");
        case DELETE_SNAPSHOT -> server.send("DELETE", "/v1/snapshots/" + subject);
        case RESTORE ->
            server.send("POST", "/v1/sandboxes", body("\"snapshotId\":\"" + subject + "\"", "b"));
        case SNAPSHOT -> {
          server.send("POST", path() + "/snapshots");
          Deadline.await(() -> "the capture is over", this::captureIsOver);
        }
      }
    } catch (RuntimeException _) { // it was killed while it worked on it
      assertThat(relay.hasKilled()).as("it was killed").isTrue();
    }
  }

  private boolean captureIsOver() {
    try {
      return !snapshots().containsValue("Creating");
    } catch (RuntimeException _) { // killed
      return true;
    }
  }

  private void settled(String what) {
    Deadline.await(
        () -> what + ": " + sandboxes() + " but " + docker.sandboxes(label()) + server.log(),
        () ->
            sandboxes().keySet().equals(docker.sandboxes(label()))
                && sandboxes().entrySet().stream().allMatch(this::isTrue));
    Deadline.await(
        () -> what + ": " + snapshots() + " but " + docker.snapshots(),
        () ->
            snapshots().values().stream().allMatch(state -> state.matches("Ready|Failed"))
                && docker.snapshots().containsAll(ready()));
  }

  private String label() {
    return "killed=" + mark;
  }

  private boolean isTrue(Map.Entry<String, String> sandbox) {
    // A listing, because the sandbox may go between the two questions.
    List<String> state =
        docker.run(
            "ps",
            "--all",
            "--filter",
            "label=opensandbox.io/id=" + sandbox.getKey(),
            "--format",
            "{{.State}}");
    return state.size() == 1 && state.getFirst().equalsIgnoreCase(sandbox.getValue());
  }

  private Set<String> ready() {
    Set<String> ready = new TreeSet<>();
    snapshots()
        .forEach((id, state) -> {
          if (state.equals("Ready")) {
            ready.add(id);
          }
        });
    return ready;
  }

  private void deleteAll(String what) {
    for (String id : sandboxes().keySet()) {
      // What nobody was told of may be removed by the server itself first.
      assertThat(server.send("DELETE", "/v1/sandboxes/" + id).status()).as(what).isIn(204, 404);
    }
    Set<String> taken = new TreeSet<>(snapshots().keySet());
    for (String id : taken) {
      assertThat(server.send("DELETE", "/v1/snapshots/" + id).status()).as(what).isEqualTo(204);
    }
    assertThat(sandboxes()).as(what).isEmpty();
    assertThat(snapshots()).as(what).isEmpty();
    Deadline.await(() -> what + ": a container is left", () -> docker.sandboxes(label()).isEmpty());
    assertThat(docker.volumes("k" + mark)).as(what).isEmpty();
    taken.retainAll(docker.snapshots());
    assertThat(taken).as(what + ": images are left").isEmpty();
  }

  private Map<String, String> sandboxes() {
    // Its own only: a server adopts what others leave on the engine without a mark.
    return server.send("GET", "/v1/sandboxes?pageSize=200&metadata=killed%3D" + mark).states();
  }

  private Map<String, String> snapshots() {
    return server.send("GET", "/v1/snapshots?pageSize=200").states();
  }

  @Override
  public void close() throws IOException {
    try {
      server.close();
    } finally {
      relay.close();
      Files.deleteIfExists(folder);
      docker.sandboxes(label()).forEach(id -> docker.run("rm", "-fv", "sandbox-" + id));
    }
  }
}
