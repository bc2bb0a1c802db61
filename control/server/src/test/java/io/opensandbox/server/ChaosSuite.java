package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.store.Database;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The server killed before and after each of its changes to the store and the runtime, for every
/// operation; another takes over. Nothing is leaked, every state is true, deleting converges.
abstract class ChaosSuite {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int MOST_HALF_STEPS = 60;

  private static final String POOL =
      "{\"name\":\"p\",\"template\":{\"spec\":{\"containers\":[{\"name\":\"sandbox\","
          + "\"image\":\"busybox\"}]}},\"capacitySpec\":{\"bufferMin\":1,\"bufferMax\":1,"
          + "\"poolMax\":1,\"poolMin\":0}}";

  @TempDir Path folder;
  private final FakeExecd execd = new FakeExecd();
  private final List<TestServer> servers = new ArrayList<>();
  private final FakeClock clock = new FakeClock();
  private FakeRuntime runtime = new FakeRuntime();
  private String key = "";
  private String bystander = "";

  /// What is going on when the server is killed.
  enum Operation {
    CREATE,
    CREATE_WITH_KEY,
    CREATE_WITH_VOLUME,
    CREATE_THAT_FAILS,
    CREATE_WITH_PULL,
    RESTORE,
    DELETE,
    DELETE_PAUSED,
    EXPIRY,
    PAUSE,
    RESUME,
    RENEW,
    PATCH,
    SNAPSHOT,
    DELETE_SNAPSHOT,
    CLAIM
  }

  @AfterEach
  void stop() {
    servers.forEach(TestServer::close);
    runtime.close();
    execd.close();
  }

  /// The configuration of both servers; may name another empty store each time.
  abstract Config config();

  /// How many half-steps lie between two kills.
  abstract int stride();

  @ParameterizedTest
  @EnumSource(Operation.class)
  void aKilledServerLeavesNothingBehind(Operation operation) {
    int halfSteps = 0;
    boolean died = true;
    while (died) {
      assertThat(halfSteps).as("it ends without dying").isLessThan(MOST_HALF_STEPS);
      died = killAt(operation, halfSteps, config());
      halfSteps += stride();
    }
    assertThat(halfSteps).as("it changes something").isGreaterThan(2);
  }

  private boolean killAt(Operation operation, int halfSteps, Config config) {
    runtime.close();
    runtime = new FakeRuntime();
    key = "key-" + halfSteps;
    runtime.addRegistryImage("registry.test/image");
    execd.serve(runtime);
    var fate = new Fate();
    TestServer first = start(config, fate);
    String subject = prepare(operation, first);
    bystander = created(first, ",\"timeout\":86400");
    fate.dieAfter(halfSteps);
    Optional<TestServer.Answer> answer = run(operation, first, subject);
    fate.spare();
    boolean died = fate.isDead();
    fate.kill();

    TestServer next = start(config, new Fate());

    String what = operation + " killed at half-step " + halfSteps;
    if (operation == Operation.CLAIM) {
      // Members that nobody claimed go with their pool.
      assertThat(next.send("DELETE", "/v1/pools/p").status()).as(what).isEqualTo(204);
    }
    if (operation == Operation.EXPIRY) {
      // What was due goes by itself, and must not go between being listed and being deleted.
      await(what + " expires", () -> expiryIsOver(next, subject));
    }
    settled(what, next);
    if (operation == Operation.CREATE_WITH_KEY) {
      repeated(what, next, answer);
    }
    deleteAll(what, next);
    servers.forEach(TestServer::close);
    servers.clear();
    return died;
  }

  private TestServer start(Config config, Fate fate) {
    Database database = fate.database(Databases.open(config.store()));
    TestServer server =
        TestServer.start(folder, config, runtime, fate.runtime(runtime), clock, database);
    servers.add(server);
    return server;
  }

  private static String prepare(Operation operation, TestServer server) {
    return switch (operation) {
      case CREATE, CREATE_WITH_KEY, CREATE_WITH_VOLUME, CREATE_THAT_FAILS, CREATE_WITH_PULL -> "";
      case DELETE, EXPIRY, PAUSE, RENEW, PATCH, SNAPSHOT ->
          created(server, ",\"timeout\":60" + volume());
      case RESUME, DELETE_PAUSED -> {
        String id = created(server, ",\"timeout\":600");
        assertThat(server.send("POST", "/v1/sandboxes/" + id + "/pause").status()).isEqualTo(202);
        yield id;
      }
      case RESTORE, DELETE_SNAPSHOT -> snapshot(server, created(server, ""));
      case CLAIM -> {
        assertThat(server.send("POST", "/v1/pools", POOL).status()).isEqualTo(201);
        await(
            "a member is ready",
            () -> server.send("GET", "/v1/pools/p").body().contains("\"available\":1"));
        yield "";
      }
    };
  }

  private static String created(TestServer server, String more) {
    TestServer.Answer answer = server.send("POST", "/v1/sandboxes", TestServer.body(more));
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    return answer.text("id");
  }

  private static String snapshot(TestServer server, String sandbox) {
    String id = server.send("POST", "/v1/sandboxes/" + sandbox + "/snapshots").text("id");
    await(
        "the snapshot is ready",
        () -> server.send("GET", "/v1/snapshots/" + id).text("status", "state").equals("Ready"));
    return id;
  }

  private static String volume() {
    return ",\"volumes\":[{\"name\":\"v\",\"mountPath\":\"/data\",\"pvc\":{\"claimName\":\"c\","
        + "\"deleteOnSandboxTermination\":true}}]";
  }

  /// Does it, and returns the answer if the server lived to give one.
  private Optional<TestServer.Answer> run(Operation operation, TestServer server, String subject) {
    String sandbox = "/v1/sandboxes/" + subject;
    return switch (operation) {
      case CREATE -> create(server, TestServer.body(""));
      case CREATE_WITH_KEY -> send(server, withKey(server));
      case CLAIM -> create(server, "{\"extensions\":{\"poolRef\":\"p\"},\"timeout\":600}");
      case CREATE_WITH_VOLUME -> create(server, TestServer.body(volume()));
      case CREATE_THAT_FAILS ->
          create(server, TestServer.body(volume()).replace("busybox", "nobody/nothing"));
      case CREATE_WITH_PULL ->
          create(server, TestServer.body("").replace("busybox", "registry.test/image"));
      case RESTORE ->
          create(
              server, "{\"snapshotId\":\"" + subject + "\",\"resourceLimits\":{},\"timeout\":60}");
      case DELETE, DELETE_PAUSED -> send(server, server.request("DELETE", sandbox, none()));
      case PAUSE -> send(server, server.request("POST", sandbox + "/pause", none()));
      case RESUME -> send(server, server.request("POST", sandbox + "/resume", none()));
      case RENEW -> send(server, renewal(server, subject));
      case PATCH ->
          send(
              server, server.request("PATCH", sandbox + "/metadata", Optional.of("{\"a\":\"b\"}")));
      case SNAPSHOT -> {
        var answer = send(server, server.request("POST", sandbox + "/snapshots", none()));
        await("the capture is over", () -> captureIsOver(server));
        yield answer;
      }
      case DELETE_SNAPSHOT ->
          send(server, server.request("DELETE", "/v1/snapshots/" + subject, none()));
      case EXPIRY -> {
        clock.advance(Duration.ofMinutes(2));
        // A fake clock wakes nobody; a renewal lets the server look at the time.
        send(server, renewal(server, bystander));
        await("it is over", () -> expiryIsOver(server, subject));
        yield Optional.empty();
      }
    };
  }

  private static Optional<String> none() {
    return Optional.empty();
  }

  private static HttpRequest.Builder renewal(TestServer server, String id) {
    return server.request(
        "POST",
        "/v1/sandboxes/" + id + "/renew-expiration",
        Optional.of("{\"expiresAt\":\"2031-01-01T00:00:00Z\"}"));
  }

  private HttpRequest.Builder withKey(TestServer server) {
    return server
        .request("POST", "/v1/sandboxes", Optional.of(TestServer.body("")))
        .header("Idempotency-Key", key);
  }

  private static Optional<TestServer.Answer> create(TestServer server, String body) {
    return send(server, server.request("POST", "/v1/sandboxes", Optional.of(body)));
  }

  private static Optional<TestServer.Answer> send(TestServer server, HttpRequest.Builder request) {
    try {
      return Optional.of(server.send(request.timeout(PATIENCE)));
    } catch (RuntimeException _) { // the server died while it worked on it
      return Optional.empty();
    }
  }

  // A dead server answers errors, or not at all.
  private static boolean captureIsOver(TestServer server) {
    var list = send(server, server.request("GET", "/v1/snapshots", none()));
    return list.isEmpty() || !list.get().body().contains("\"Creating\"");
  }

  private static boolean expiryIsOver(TestServer server, String id) {
    var answer = send(server, server.request("GET", "/v1/sandboxes/" + id, none()));
    return answer.isEmpty() || answer.get().status() != 200;
  }

  /// Every listed sandbox and snapshot is what the runtime has, and nothing else is there.
  private void settled(String what, TestServer server) {
    await(
        () -> what + ": sandboxes " + states(server) + ", runtime " + runtime.sandboxIds(),
        () ->
            new TreeSet<>(runtime.sandboxIds()).equals(states(server).keySet())
                && states(server).entrySet().stream()
                    .allMatch(one -> runtimeState(one.getKey()).equals(one.getValue())));
    await(
        () -> what + ": snapshots " + snapshots(server) + ", images " + runtime.imageReferences(),
        () ->
            snapshots(server).values().stream().allMatch(List.of("Ready", "Failed")::contains)
                && images().equals(ready(server)));
  }

  private String runtimeState(String id) {
    return runtime
        .find(id)
        .map(seen ->
            switch (seen.state()) {
              case RUNNING -> "Running";
              case PAUSED -> "Paused";
              default -> seen.state().name();
            })
        .orElse("gone");
  }

  private Set<String> images() {
    Set<String> images = new TreeSet<>();
    for (String reference : runtime.imageReferences()) {
      if (reference.startsWith("opensandbox-snapshots:")) {
        images.add(reference.substring(reference.indexOf(':') + 1));
      }
    }
    return images;
  }

  private static Set<String> ready(TestServer server) {
    Set<String> ready = new TreeSet<>();
    snapshots(server)
        .forEach((id, state) -> {
          if (state.equals("Ready")) {
            ready.add(id);
          }
        });
    return ready;
  }

  private void repeated(String what, TestServer server, Optional<TestServer.Answer> first) {
    TestServer.Answer again = server.send(withKey(server));
    assertThat(again.status()).as(what + ": " + again.body()).isEqualTo(202);
    assertThat(runtime.sandboxIds())
        .as(what)
        .containsExactlyInAnyOrder(again.text("id"), bystander);
    if (first.isPresent() && first.get().status() == 202) {
      assertThat(again.body()).as(what).isEqualTo(first.get().body());
    }
  }

  private void deleteAll(String what, TestServer server) {
    for (String id : states(server).keySet()) {
      TestServer.Answer answer = server.send("DELETE", "/v1/sandboxes/" + id);
      assertThat(answer.status()).as(what + ": " + answer.body()).isEqualTo(204);
    }
    for (String id : snapshots(server).keySet()) {
      TestServer.Answer answer = server.send("DELETE", "/v1/snapshots/" + id);
      assertThat(answer.status()).as(what + ": " + answer.body()).isEqualTo(204);
    }
    // What the dead server held is removed when its lease has run out.
    await(
        () -> what + ": left " + runtime.sandboxIds() + runtime.volumeNames() + images(),
        () ->
            runtime.sandboxIds().isEmpty()
                && runtime.volumeNames().isEmpty()
                && images().isEmpty());
    assertThat(states(server)).as(what).isEmpty();
    assertThat(snapshots(server)).as(what).isEmpty();
  }

  private static Map<String, String> states(TestServer server) {
    return server.send("GET", "/v1/sandboxes?pageSize=200").states();
  }

  private static Map<String, String> snapshots(TestServer server) {
    return server.send("GET", "/v1/snapshots?pageSize=200").states();
  }

  private static void await(String what, BooleanSupplier condition) {
    await(() -> what, condition);
  }

  private static void await(Supplier<String> what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
  }
}
