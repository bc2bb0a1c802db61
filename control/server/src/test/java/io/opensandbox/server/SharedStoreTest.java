package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.runtime.FakeRuntime.Step;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.store.PostgresqlAddress;
import io.opensandbox.server.store.PostgresqlServer;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Two servers on one PostgreSQL and one runtime: each does what it is asked, none does what the
/// other does, and one goes on when the other is gone.
class SharedStoreTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int LONG_LEASE = 120;
  private static final int SHORT_LEASE = 8;
  private static final int QUOTA = 3;
  private static final String IMAGE = "registry.test/slow";

  @TempDir Path folder;
  private final FakeRuntime runtime = new FakeRuntime();
  private final FakeClock clock = new FakeClock();
  private final Fate fateOfA = new Fate();
  private final CountDownLatch mayGoOn = new CountDownLatch(1);

  @SuppressWarnings("NullAway.Init") // made before every test
  private PostgresqlAddress database;

  @SuppressWarnings("NullAway.Init") // every test starts it first
  private TestServer a;

  @SuppressWarnings("NullAway.Init") // every test starts it first
  private TestServer b;

  @BeforeEach
  void makeDatabase() {
    assumeTrue(PostgresqlServer.isInstalled(), "the Debian package postgresql is not installed");
    database = PostgresqlServer.shared().newDatabase();
    runtime.addRegistryImage(IMAGE);
  }

  // What a living server works on must stay its own even when the machine stalls.
  private void startBoth() {
    a = start(LONG_LEASE, fateOfA);
    b = start(LONG_LEASE, new Fate());
  }

  private void startBothBeforeADies() {
    a = start(SHORT_LEASE, fateOfA);
    b = start(LONG_LEASE, new Fate());
  }

  private TestServer start(int leaseSeconds, Fate fate) {
    String toml =
        PostgresqlServer.toml(database, leaseSeconds)
            + ("store.max_snapshots = " + QUOTA + "\n")
            + "server.create_wait_seconds = 1\n";
    return start(TestServer.config(folder, toml), fate);
  }

  private TestServer start(Config config, Fate fate) {
    return TestServer.start(
        folder,
        config,
        runtime,
        fate.runtime(runtime),
        clock,
        fate.database(Databases.open(config.store())));
  }

  @AfterEach
  void stop() {
    mayGoOn.countDown();
    if (a != null) {
      a.close();
    }
    if (b != null) {
      b.close();
    }
    runtime.close();
  }

  private static String state(TestServer server, String id) {
    TestServer.Answer answer = server.send("GET", "/v1/sandboxes/" + id);
    return answer.status() == 200 ? answer.text("status", "state") : "gone";
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
  }

  private String pendingOn(TestServer server) {
    TestServer.Answer answer =
        server.send("POST", "/v1/sandboxes", TestServer.body("").replace("busybox", IMAGE));
    assertThat(answer.text("status", "state")).as(answer.body()).isEqualTo("Pending");
    return answer.text("id");
  }

  private void holdPulls() {
    runtime.intercept((step, subject) -> {
      if (step == Step.PREPARE_IMAGE && subject.equals(IMAGE)) {
        try {
          mayGoOn.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("interrupted", e);
        }
      }
    });
  }

  private static <T> List<T> atOnce(List<Callable<T>> tasks) throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<T> results = new ArrayList<>();
      for (Future<T> future : threads.invokeAll(tasks)) {
        results.add(future.get());
      }
      return results;
    }
  }

  @Test
  void whatOneDidTheOtherKnows() {
    startBoth();
    String id = a.create();

    assertThat(b.send("GET", "/v1/sandboxes/" + id).body())
        .isEqualTo(a.send("GET", "/v1/sandboxes/" + id).body());
    assertThat(b.send("POST", "/v1/sandboxes/" + id + "/pause").status()).isEqualTo(202);
    assertThat(state(a, id)).isEqualTo("Paused");
    assertThat(a.send("POST", "/v1/sandboxes/" + id + "/resume").status()).isEqualTo(202);
    assertThat(state(b, id)).isEqualTo("Running");
    assertThat(b.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(204);
    assertThat(a.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(404);
    assertThat(runtime.sandboxIds()).isEmpty();
  }

  @Test
  void eachCreateIsDoneOnce() throws Exception {
    startBoth();
    List<Callable<String>> creates =
        IntStream.range(0, 20)
            .mapToObj(i -> (Callable<String>) () -> (i % 2 == 0 ? a : b).create())
            .toList();

    List<String> ids = atOnce(creates);

    assertThat(runtime.calls(Step.CREATE)).isEqualTo(20);
    assertThat(runtime.sandboxIds()).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(a.send("GET", "/v1/sandboxes").body()).contains("\"totalItems\":20");
  }

  @Test
  void ofTwoDeletesAtOnceOneFindsIt() throws Exception {
    startBoth();
    String id = a.create();

    List<Integer> statuses =
        atOnce(
            List.of(
                () -> a.send("DELETE", "/v1/sandboxes/" + id).status(),
                () -> b.send("DELETE", "/v1/sandboxes/" + id).status()));

    assertThat(statuses).containsExactlyInAnyOrder(204, 404);
  }

  @Test
  void ofTwoPausesAtOnceOneIsRefused() throws Exception {
    startBoth();
    String id = a.create();

    List<Integer> statuses =
        atOnce(
            List.of(
                () -> a.send("POST", "/v1/sandboxes/" + id + "/pause").status(),
                () -> b.send("POST", "/v1/sandboxes/" + id + "/pause").status()));

    assertThat(statuses).containsExactlyInAnyOrder(202, 409);
  }

  @Test
  void patchesAtOnceAreAllKept() throws Exception {
    startBoth();
    String id = a.create();
    List<Callable<Integer>> patches =
        IntStream.range(0, 12)
            .mapToObj(i ->
                (Callable<Integer>)
                    () ->
                        (i % 2 == 0 ? a : b)
                            .send(
                                "PATCH",
                                "/v1/sandboxes/" + id + "/metadata",
                                "{\"k" + i + "\":\"v\"}")
                            .status())
            .toList();

    assertThat(atOnce(patches)).containsOnly(200);

    String body = b.send("GET", "/v1/sandboxes/" + id).body();
    IntStream.range(0, 12).forEach(i -> assertThat(body).contains("\"k" + i + "\":\"v\""));
  }

  @Test
  void oneIdempotencyKeyOnBothIsOneSandbox() throws Exception {
    startBoth();
    List<Callable<TestServer.Answer>> creates =
        List.of(
            () -> a.send(withKey(a)),
            () -> b.send(withKey(b)),
            () -> a.send(withKey(a)),
            () -> b.send(withKey(b)));

    List<TestServer.Answer> answers = atOnce(creates);

    assertThat(answers).allSatisfy(answer -> assertThat(answer.status()).isEqualTo(202));
    assertThat(answers.stream().map(TestServer.Answer::body).distinct()).hasSize(1);
    assertThat(runtime.sandboxIds()).hasSize(1);
  }

  private static HttpRequest.Builder withKey(TestServer server) {
    return server
        .request("POST", "/v1/sandboxes", Optional.of(TestServer.body("")))
        .header("Idempotency-Key", "one");
  }

  @Test
  void whatExpiresIsRemovedOnce() {
    startBoth();
    Map<String, Integer> removals = new ConcurrentHashMap<>();
    Set<String> ids = ConcurrentHashMap.newKeySet();
    for (int i = 0; i < 10; i++) {
      TestServer.Answer answer =
          (i % 2 == 0 ? a : b).send("POST", "/v1/sandboxes", TestServer.body(",\"timeout\":60"));
      ids.add(answer.text("id"));
    }
    runtime.intercept((step, subject) -> {
      if (step == Step.REMOVE) {
        removals.merge(subject, 1, Integer::sum);
      }
    });

    clock.advance(Duration.ofMinutes(2));
    await("all expired", () -> a.send("GET", "/v1/sandboxes").body().contains("\"totalItems\":0"));

    assertThat(runtime.sandboxIds()).isEmpty();
    assertThat(removals.keySet()).isEqualTo(ids);
    assertThat(removals.values()).containsOnly(1);
  }

  @Test
  void noMemberOfAPoolIsGivenToTwoAndNoneIsLost() throws Exception {
    try (var execd = new FakeExecd()) {
      execd.serve(runtime);
      startBoth();
      a.send("POST", "/v1/pools", pool(10));
      await("the pool is full", () -> available(b) == 10);
      Set<String> members = Set.copyOf(runtime.sandboxIds());
      List<Callable<String>> claims =
          IntStream.range(0, 16)
              .mapToObj(i -> (Callable<String>) () -> claim(i % 2 == 0 ? a : b))
              .toList();

      List<String> ids = atOnce(claims);

      assertThat(ids).doesNotHaveDuplicates().containsAll(members);
      assertThat(ids.stream().map(id -> state(a, id)).distinct()).containsExactly("Running");
      assertThat(ids.stream().map(id -> state(b, id)).distinct()).containsExactly("Running");
      assertThat(runtime.sandboxIds()).containsExactlyInAnyOrderElementsOf(ids);
    }
  }

  @Test
  void membersGoToClientsOrAwayButNotBoth() throws Exception {
    try (var execd = new FakeExecd()) {
      execd.serve(runtime);
      startBoth();
      a.send("POST", "/v1/pools", pool(10));
      await("the pool is full", () -> available(b) == 10);
      List<Callable<String>> tasks =
          IntStream.range(0, 8)
              .mapToObj(_ -> (Callable<String>) () -> claim(a))
              .collect(Collectors.toCollection(ArrayList::new));
      tasks.add(4, () -> b.send("PUT", "/v1/pools/p", "{" + capacity(0) + "}").body());

      List<String> ids = atOnce(tasks);
      ids.remove(4);

      await("no member is left", () -> available(b) == 0 && runtime.sandboxIds().size() == 8);
      assertThat(runtime.sandboxIds()).containsExactlyInAnyOrderElementsOf(ids);
      assertThat(ids.stream().map(id -> state(b, id)).distinct()).containsExactly("Running");
    }
  }

  private static String claim(TestServer server) {
    String body = "{\"extensions\":{\"poolRef\":\"p\"},\"timeout\":600}";
    TestServer.Answer answer = server.send("POST", "/v1/sandboxes", body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    return answer.text("id");
  }

  private static String pool(int members) {
    return "{\"name\":\"p\",\"template\":{\"spec\":{\"containers\":[{\"name\":\"sandbox\","
        + "\"image\":\"busybox\"}]}},"
        + capacity(members)
        + "}";
  }

  // Claimed members count, so what is claimed is not replaced.
  private static String capacity(int members) {
    return "\"capacitySpec\":{\"bufferMin\":%1$d,\"bufferMax\":%1$d,\"poolMax\":%1$d,\"poolMin\":0}"
        .formatted(members);
  }

  private static int available(TestServer server) {
    String body = server.send("GET", "/v1/pools/p").body();
    return Integer.parseInt(body.replaceAll("(?s).*\"available\":(\\d+).*", "$1"));
  }

  @Test
  void theQuotaOfSnapshotsHoldsOnBothTogether() throws Exception {
    startBoth();
    String id = a.create();
    List<Callable<Integer>> snapshots =
        IntStream.range(0, 4 * QUOTA)
            .mapToObj(i ->
                (Callable<Integer>)
                    () ->
                        (i % 2 == 0 ? a : b)
                            .send("POST", "/v1/sandboxes/" + id + "/snapshots")
                            .status())
            .toList();

    List<Integer> statuses = atOnce(snapshots);

    assertThat(statuses.stream().filter(status -> status == 202)).hasSize(QUOTA);
    assertThat(b.send("GET", "/v1/snapshots").body()).contains("\"totalItems\":" + QUOTA);
  }

  @Test
  void whatAServerThatIsStoppedWasMakingIsMadeByTheOtherAtOnce() {
    startBoth();
    holdPulls();
    String id = pendingOn(a);

    a.close();
    mayGoOn.countDown();

    // Long before the lease of the first would have run out.
    await("the sandbox runs", () -> state(b, id).equals("Running"));
    assertThat(runtime.sandboxIds()).containsExactly(id);
  }

  @Test
  void whatADeadServerWasMakingIsMadeByTheOther() {
    startBothBeforeADies();
    holdPulls();
    String id = pendingOn(a);
    assertThat(state(b, id)).isEqualTo("Pending");

    fateOfA.kill();
    mayGoOn.countDown();

    await("the sandbox runs", () -> state(b, id).equals("Running"));
    assertThat(runtime.sandboxIds()).containsExactly(id);
    assertThat(runtime.calls(Step.CREATE)).isEqualTo(1);
  }

  @Test
  void aDeleteOnOneStopsTheCreateOnTheOther() {
    startBoth();
    holdPulls();
    String id = pendingOn(a);

    assertThat(b.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(204);

    assertThat(state(a, id)).isEqualTo("gone");
    assertThat(state(b, id)).isEqualTo("gone");
    // The pull is never let go on, so what ends the create is the delete.
    await("the create is cleaned up", () -> runtime.calls(Step.REMOVE) > 0);
    await("nothing is left", () -> runtime.sandboxIds().isEmpty());
    assertThat(runtime.calls(Step.CREATE)).isZero();
  }

  @Test
  void aDeleteThatDiedWithItsServerIsFinishedByTheOther() {
    startBothBeforeADies();
    String id = b.create();
    runtime.intercept((step, _) -> {
      if (step == Step.REMOVE && !fateOfA.isDead()) {
        fateOfA.kill();
        throw new IllegalStateException("killed");
      }
    });
    a.send("DELETE", "/v1/sandboxes/" + id);

    await("it is gone", () -> state(b, id).equals("gone") && runtime.sandboxIds().isEmpty());
  }

  @Test
  void aSnapshotThatDiedWithItsServerIsSettledByTheOther() {
    startBothBeforeADies();
    String id = b.create();
    runtime.intercept((step, _) -> {
      if (step == Step.SNAPSHOT) {
        fateOfA.kill();
        throw new IllegalStateException("killed");
      }
    });
    String snapshot = a.send("POST", "/v1/sandboxes/" + id + "/snapshots").text("id");

    await(
        "it failed",
        () -> b.send("GET", "/v1/snapshots/" + snapshot).text("status", "state").equals("Failed"));
    assertThat(b.send("GET", "/v1/snapshots/" + snapshot).text("status", "reason"))
        .isEqualTo("snapshot_recovery_missing_image");
    assertThat(b.send("DELETE", "/v1/snapshots/" + snapshot).status()).isEqualTo(204);
  }

  @Test
  void aSandboxIsNotRemovedUnderTheOthersSnapshot() throws Exception {
    startBoth();
    String id = a.create();
    var capturing = new CountDownLatch(1);
    runtime.intercept((step, _) -> {
      if (step == Step.SNAPSHOT) {
        capturing.countDown();
        try {
          mayGoOn.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    });
    String snapshot = a.send("POST", "/v1/sandboxes/" + id + "/snapshots").text("id");
    assertThat(capturing.await(60, TimeUnit.SECONDS)).isTrue();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Integer> delete =
          threads.submit(() -> b.send("DELETE", "/v1/sandboxes/" + id).status());
      await("the delete waits", () -> state(a, id).equals("Running") || delete.isDone());
      assertThat(delete.isDone()).isFalse();
      mayGoOn.countDown();

      assertThat(delete.get()).isEqualTo(204);
    }
    assertThat(b.send("GET", "/v1/snapshots/" + snapshot).text("status", "state"))
        .isEqualTo("Ready");
  }
}
