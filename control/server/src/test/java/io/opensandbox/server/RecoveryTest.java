package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.runtime.FakeRuntime.Step;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What becomes of sandboxes when the server, the engine or somebody behind its back interferes.
class RecoveryTest {
  private static final String IMAGE = "registry.test/slow";

  @TempDir Path folder;
  private final FakeRuntime runtime = new FakeRuntime();
  private final FakeClock clock = new FakeClock();

  @SuppressWarnings("NullAway.Init") // every test starts it first
  private TestServer server;

  private final List<TestServer> crashed = new ArrayList<>();

  @AfterEach
  void stop() {
    runtime.intercept((_, _) -> {});
    server.close();
    crashed.forEach(TestServer::close);
    runtime.close();
  }

  private TestServer start() {
    server = TestServer.start(folder, runtime, clock, "server.create_wait_seconds = 1");
    return server;
  }

  /// Leaves everything as a SIGKILL would, and starts again on the store as it was.
  private TestServer crashAndStart() throws IOException {
    Path copy = CrashedStore.copy(folder);
    crashed.add(server);
    runtime.intercept((_, _) -> {});
    for (String name : new String[] {"store.db", "store.db-wal", "store.db-shm"}) {
      Files.deleteIfExists(folder.resolve(name));
    }
    for (String name : new String[] {"store.db", "store.db-wal"}) {
      if (Files.exists(copy.resolve(name))) {
        Files.move(copy.resolve(name), folder.resolve(name));
      }
    }
    return start();
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  private String state(String id) {
    var answer = server.send("GET", "/v1/sandboxes/" + id);
    return answer.status() == 200 ? answer.text("status", "state") : "gone";
  }

  private String pending() {
    runtime.addRegistryImage(IMAGE);
    var answer =
        server.send("POST", "/v1/sandboxes", TestServer.body("").replace("busybox", IMAGE));
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    return answer.text("id");
  }

  @Test
  void aLongPullIsPendingAndEndsInTheBackground() throws Exception {
    start();
    var pulling = new CountDownLatch(1);
    var mayGoOn = new CountDownLatch(1);
    runtime.intercept((step, _) -> {
      if (step == Step.PREPARE_IMAGE) {
        pulling.countDown();
        awaitLatch(mayGoOn);
      }
    });

    String id = pending();

    assertThat(pulling.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(state(id)).isEqualTo("Pending");
    for (int port : new int[] {44772, 18080}) {
      var endpoint = server.send("GET", "/v1/sandboxes/" + id + "/endpoints/" + port);
      assertThat(endpoint.status()).isEqualTo(200);
      assertThat(endpoint.text("endpoint")).endsWith("/sandboxes/" + id + "/proxy/" + port);
    }
    mayGoOn.countDown();
    await("the sandbox runs", () -> state(id).equals("Running"));
  }

  @Test
  void aFailedPullAfterTheAnswerIsAFailedSandboxUntilItsTime() {
    start();
    var mayGoOn = new CountDownLatch(1);
    runtime.intercept((step, _) -> {
      if (step == Step.PREPARE_IMAGE) {
        awaitLatch(mayGoOn);
        throw new SandboxException(ErrorCode.IMAGE_PULL_FAILED, "Failed to pull image: gone");
      }
    });

    String id = pending();
    mayGoOn.countDown();

    await("the sandbox failed", () -> state(id).equals("Failed"));
    var answer = server.send("GET", "/v1/sandboxes/" + id);
    assertThat(answer.text("status", "reason")).isEqualTo("PROVISIONING_ERROR");
    assertThat(answer.text("status", "message")).contains("Failed to pull image");
    clock.advance(Duration.ofHours(2));
    await("the record is gone", () -> state(id).equals("gone"));
  }

  @Test
  void aPendingSandboxSurvivesACrash() throws Exception {
    start();
    runtime.intercept((step, _) -> {
      if (step == Step.PREPARE_IMAGE) {
        awaitLatch(new CountDownLatch(1));
      }
    });
    String id = pending();

    crashAndStart();

    await("the sandbox runs", () -> state(id).equals("Running"));
    assertThat(runtime.sandboxIds()).containsExactly(id);
  }

  @Test
  void deletingAPendingSandboxStopsItsPull() {
    start();
    runtime.intercept((step, _) -> {
      if (step == Step.PREPARE_IMAGE) {
        awaitLatch(new CountDownLatch(1));
      }
    });
    String id = pending();

    var answer = server.send("DELETE", "/v1/sandboxes/" + id);

    assertThat(answer.status()).isEqualTo(204);
    assertThat(state(id)).isEqualTo("gone");
    assertThat(runtime.sandboxIds()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(
      value = Step.class,
      names = {"CREATE", "START"})
  void aFailingStepOfACreateLeavesNothing(Step step) {
    start();
    runtime.failAfterNext(step, new SandboxException(ErrorCode.START_FAILED, "no more room"));

    var answer = server.send("POST", "/v1/sandboxes", TestServer.body(""));

    assertThat(answer.status()).isEqualTo(500);
    assertThat(answer.text("code")).isEqualTo("DOCKER::SANDBOX_START_FAILED");
    assertThat(runtime.sandboxIds()).isEmpty();
    assertThat(server.send("GET", "/v1/sandboxes").body()).contains("\"totalItems\":0");
  }

  @Test
  void aCreateCutShortBeforeItsAnswerLeavesNothing() throws Exception {
    server = TestServer.start(folder, runtime, clock, "");
    var created = new CountDownLatch(1);
    runtime.intercept((step, _) -> {
      if (step == Step.START) {
        created.countDown();
        awaitLatch(new CountDownLatch(1));
      }
    });
    Thread client =
        Thread.ofVirtual()
            .start(() -> {
              try {
                server.send("POST", "/v1/sandboxes", TestServer.body(""));
              } catch (RuntimeException _) { // the server goes away under it
                return;
              }
            });
    assertThat(created.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(runtime.sandboxIds()).hasSize(1);

    crashAndStart();
    client.join();

    assertThat(runtime.sandboxIds()).isEmpty();
    assertThat(server.send("GET", "/v1/sandboxes").body()).contains("\"totalItems\":0");
  }

  @Test
  void aFailedDeleteIsReportedAndConverges() {
    start();
    String id = server.create();
    // The server itself looks at what it has just made, and would go on with the removal.
    var busy = new AtomicBoolean(true);
    runtime.intercept((step, _) -> {
      if (step == Step.REMOVE
          && (busy.get() || Thread.currentThread().getName().startsWith("lifecycle-"))) {
        throw new SandboxException(ErrorCode.DELETE_FAILED, "device busy");
      }
    });

    var failed = server.send("DELETE", "/v1/sandboxes/" + id);
    assertThat(failed.status()).isEqualTo(500);
    assertThat(failed.text("code")).isEqualTo("DOCKER::SANDBOX_DELETE_FAILED");
    assertThat(state(id)).isEqualTo("Stopping");

    busy.set(false);
    assertThat(server.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(204);
    assertThat(server.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(404);
    assertThat(runtime.sandboxIds()).isEmpty();
  }

  @Test
  void aDeleteCutShortIsFinishedAtTheNextStart() throws Exception {
    start();
    String id = server.create();
    runtime.failNext(Step.REMOVE, new SandboxException(ErrorCode.DELETE_FAILED, "device busy"));
    server.send("DELETE", "/v1/sandboxes/" + id);

    crashAndStart();

    assertThat(state(id)).isEqualTo("gone");
    assertThat(runtime.sandboxIds()).isEmpty();
  }

  @Test
  void whatHappensBehindItsBackIsSeen() {
    start();
    String exited = server.create();
    String killed = server.create();
    String paused = server.create();
    String vanished = server.create();

    runtime.exit(exited, 0);
    runtime.outOfMemory(killed);
    runtime.pauseBehindBack(paused);
    runtime.vanish(vanished);

    await("exited", () -> state(exited).equals("Terminated"));
    await("killed", () -> state(killed).equals("Failed"));
    await("paused", () -> state(paused).equals("Paused"));
    await("vanished", () -> state(vanished).equals("gone"));
    assertThat(server.send("GET", "/v1/sandboxes/" + killed).text("status", "message"))
        .startsWith("Sandbox container exited with code 137.");
  }

  @Test
  void anEndWhileItIsStillBeingMadeIsSeen() {
    start();
    // Without lists no resync can notice it later.
    runtime.intercept((step, _) -> {
      if (step == Step.LIST) {
        throw new IllegalStateException("this test has no lists");
      }
    });

    for (int i = 0; i < 20; i++) {
      String id =
          server
              .send(
                  "POST",
                  "/v1/sandboxes",
                  TestServer.body("").replace("[\"sleep\",\"1d\"]", "[\"true\"]"))
              .text("id");

      await("sandbox " + i + " ended", () -> state(id).equals("Terminated"));
    }
  }

  @Test
  void whatHappensWhileItIsDownIsSeenAtTheNextStart() throws Exception {
    start();
    String exited = server.create();
    String vanished = server.create();
    String untouched = server.create();
    server.close();
    runtime.exit(exited, 3);
    runtime.vanish(vanished);

    start();

    assertThat(state(exited)).isEqualTo("Failed");
    assertThat(state(vanished)).isEqualTo("gone");
    assertThat(state(untouched)).isEqualTo("Running");
  }

  @Test
  void aRenewalSurvivesARestart() {
    start();
    String id = server.send("POST", "/v1/sandboxes", TestServer.body(",\"timeout\":60")).text("id");
    server.send(
        "POST",
        "/v1/sandboxes/" + id + "/renew-expiration",
        "{\"expiresAt\":\"2030-01-01T01:00:00Z\"}");
    server.close();
    clock.advance(Duration.ofMinutes(10));

    start();

    assertThat(server.send("GET", "/v1/sandboxes/" + id).text("expiresAt"))
        .isEqualTo("2030-01-01T01:00:00Z");
    clock.advance(Duration.ofHours(1));
    await("it expired", () -> state(id).equals("gone"));
    await("nothing is left", () -> runtime.sandboxIds().isEmpty());
  }

  @Test
  void aLostStoreIsRebuiltFromLabels() throws Exception {
    start();
    String id =
        server
            .send(
                "POST",
                "/v1/sandboxes",
                TestServer.body(
                    ",\"timeout\":3600,\"metadata\":{\"team\":\"a\"},"
                        + "\"platform\":{\"os\":\"linux\",\"arch\":\"amd64\"}"))
            .text("id");
    String before = server.send("GET", "/v1/sandboxes/" + id).body();
    server.close();
    for (String name : new String[] {"store.db", "store.db-wal", "store.db-shm"}) {
      Files.deleteIfExists(folder.resolve(name));
    }

    start();

    assertThat(server.send("GET", "/v1/sandboxes/" + id).body())
        .contains("\"metadata\":{\"team\":\"a\"}")
        .contains("\"expiresAt\":\"2030-01-01T01:00:00.123456Z\"")
        .contains("\"platform\":{\"os\":\"linux\",\"arch\":\"amd64\"}")
        .hasSameSizeAs(before.replaceAll("\\.\\d{6}Z", ".123456Z"));
  }

  @Test
  void sandboxesOfAServerBesideItAreLeftAlone() throws Exception {
    start();
    String mine = server.create();
    Path other = Files.createDirectory(folder.resolve("other"));

    try (var neighbour = TestServer.start(other, runtime, clock, "")) {
      assertThat(neighbour.send("GET", "/v1/sandboxes").body()).contains("\"totalItems\":0");
      assertThat(neighbour.send("DELETE", "/v1/sandboxes/" + mine).status()).isEqualTo(404);
    }

    assertThat(runtime.sandboxIds()).containsExactly(mine);
  }

  @Test
  void aRepeatedCreateWithTheSameKeyIsOneSandbox() {
    start();
    var body = TestServer.body(",\"timeout\":60");

    var first = createWithKey(body);
    var again = createWithKey(body);
    var other = createWithKey(TestServer.body(",\"timeout\":61"));

    assertThat(first.status()).isEqualTo(202);
    assertThat(again.status()).isEqualTo(202);
    assertThat(again.body()).isEqualTo(first.body());
    assertThat(other.status()).isEqualTo(409);
    assertThat(other.text("code")).isEqualTo("GENERAL::IDEMPOTENCY_CONFLICT");
    assertThat(runtime.sandboxIds()).hasSize(1);
  }

  @Test
  void aFailedCreateFreesItsKey() {
    start();
    runtime.failNext(Step.START, new SandboxException(ErrorCode.START_FAILED, "no more room"));
    assertThat(createWithKey(TestServer.body("")).status()).isEqualTo(500);

    assertThat(createWithKey(TestServer.body("")).status()).isEqualTo(202);
  }

  private TestServer.Answer createWithKey(String body) {
    return server.send(
        server
            .request("POST", "/v1/sandboxes", Optional.of(body))
            .header("Idempotency-Key", "key-1"));
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
