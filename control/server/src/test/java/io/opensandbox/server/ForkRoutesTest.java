package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.server.json.Json;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ForkRoutesTest {
  private final FakeRuntime runtime = new FakeRuntime();
  @TempDir private Path folder;
  private TestServer server;
  private String source;

  @BeforeEach
  void start() {
    server = TestServer.start(folder, runtime, new FakeClock(), "");
    source =
        server
            .send(
                "POST",
                "/v1/sandboxes",
                TestServer.body(",\"timeout\":600,\"metadata\":{\"team\":\"red\"}"))
            .text("id");
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private TestServer.Answer fork(String body) {
    return server.send("POST", path(source), body);
  }

  private TestServer.Answer fork(String body, String key) {
    return server.send(
        server.request("POST", path(source), Optional.of(body)).header("Idempotency-Key", key));
  }

  private static String path(String id) {
    return "/v1/sandboxes/" + id + "/fork";
  }

  private static List<Json.Obj> items(TestServer.Answer answer) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    if (answer.json().member("items") instanceof Json.Arr items) {
      return items.items().stream().map(Json.Obj.class::cast).toList();
    }
    throw new AssertionError(answer.body());
  }

  private static String text(Json.Obj item, String... path) {
    Json value = item;
    for (String name : path) {
      value = value instanceof Json.Obj object ? object.member(name) : null;
    }
    return value instanceof Json.Str text ? text.value() : "";
  }

  @Test
  void copiesRunAndAreSandboxesLikeAnyOther() {
    String expiry = server.send("GET", "/v1/sandboxes/" + source).text("expiresAt");

    List<Json.Obj> items = items(fork("{\"count\":3}"));

    assertThat(items).hasSize(3);
    assertThat(items.stream().map(item -> text(item, "id")).distinct()).hasSize(3);
    for (Json.Obj item : items) {
      TestServer.Answer copy = server.send("GET", "/v1/sandboxes/" + text(item, "id"));
      assertThat(copy.text("status", "state")).isEqualTo("Running");
      assertThat(copy.text("expiresAt")).isEqualTo(expiry);
      assertThat(copy.text("metadata", "team")).isEqualTo("red");
      assertThat(text(item, "sandbox", "id")).isEqualTo(text(item, "id"));
      assertThat(item.member("error")).isNull();
    }
    assertThat(runtime.calls(FakeRuntime.Step.FORK)).isEqualTo(1);
  }

  @Test
  void timeoutAndMetadataAreTheCopies() {
    Json.Obj item = items(fork("{\"timeout\":60,\"metadata\":{\"a\":\"b\"}}")).getFirst();

    assertThat(text(item, "sandbox", "metadata", "a")).isEqualTo("b");
    assertThat(text(item, "sandbox", "metadata", "team")).isEmpty();
    assertThat(text(item, "sandbox", "expiresAt"))
        .isNotEqualTo(server.send("GET", "/v1/sandboxes/" + source).text("expiresAt"));
  }

  @Test
  void withoutABody_thereIsOneCopy() {
    assertThat(items(server.send("POST", path(source)))).hasSize(1);
  }

  @Test
  void oneThatFails_isAnErrorOfItsOwn() {
    runtime.failNext(
        FakeRuntime.Step.COPY, new SandboxException(ErrorCode.START_FAILED, "no room left"));

    List<Json.Obj> items = items(fork("{\"count\":2}"));

    List<Json.Obj> failed = items.stream().filter(item -> item.member("error") != null).toList();
    assertThat(failed).hasSize(1);
    assertThat(text(failed.getFirst(), "error", "code")).isEqualTo("DOCKER::SANDBOX_START_FAILED");
    assertThat(text(failed.getFirst(), "error", "message")).isEqualTo("no room left");
    assertThat(failed.getFirst().member("sandbox")).isNull();
    assertThat(server.send("GET", "/v1/sandboxes/" + text(failed.getFirst(), "id")).status())
        .isEqualTo(404);
    assertThat(runtime.sandboxIds()).hasSize(2);
  }

  @Test
  void whenNothingCanBeCaptured_nothingIsMade() {
    runtime.failNext(
        FakeRuntime.Step.FORK,
        new SandboxException(ErrorCode.SNAPSHOT_CREATE_FAILED, "it does not freeze"));

    TestServer.Answer answer = fork("{\"count\":2}", "k1");

    assertThat(answer.status()).isEqualTo(500);
    assertThat(answer.text("code")).isEqualTo("DOCKER::SNAPSHOT_CREATE_FAILED");
    assertThat(runtime.sandboxIds()).containsExactly(source);
    assertThat(server.send("GET", "/v1/sandboxes").body()).contains("\"totalItems\":1,");
    assertThat(items(fork("{\"count\":2}", "k1"))).as("the key is free again").hasSize(2);
  }

  @Test
  void withAKey_itIsDoneOnce() {
    TestServer.Answer first = fork("{\"count\":2}", "key");
    server.send("DELETE", "/v1/sandboxes/" + text(items(first).getFirst(), "id"));
    server.send("DELETE", "/v1/sandboxes/" + source);

    TestServer.Answer again = fork("{\"count\":2}", "key");

    assertThat(again.body()).isEqualTo(first.body());
    assertThat(runtime.sandboxIds()).hasSize(1);
  }

  @Test
  void withAKey_anotherRequestIsAConflict() {
    items(fork("{\"count\":2}", "key"));
    String other = server.create();

    TestServer.Answer otherBody = fork("{\"count\":3}", "key");
    TestServer.Answer otherSandbox =
        server.send(
            server
                .request("POST", path(other), Optional.of("{\"count\":2}"))
                .header("Idempotency-Key", "key"));
    TestServer.Answer create =
        server.send(
            server
                .request("POST", "/v1/sandboxes", Optional.of(TestServer.body("")))
                .header("Idempotency-Key", "key"));

    for (TestServer.Answer answer : List.of(otherBody, otherSandbox, create)) {
      assertThat(answer.status()).isEqualTo(409);
      assertThat(answer.text("code")).isEqualTo("GENERAL::IDEMPOTENCY_CONFLICT");
    }
  }

  @Test
  void withAKey_twoAtOnceAreOne() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch reached = new CountDownLatch(1);
    runtime.intercept((step, _) -> {
      if (step == FakeRuntime.Step.FORK) {
        reached.countDown();
        await(held);
      }
    });
    Callable<TestServer.Answer> call = () -> fork("{\"count\":2}", "key");

    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<TestServer.Answer> first = threads.submit(call);
      await(reached);
      Future<TestServer.Answer> second = threads.submit(call);
      held.countDown();

      assertThat(second.get(60, TimeUnit.SECONDS).body())
          .isEqualTo(first.get(60, TimeUnit.SECONDS).body());
    }
    assertThat(runtime.calls(FakeRuntime.Step.FORK)).isEqualTo(1);
    assertThat(runtime.sandboxIds()).hasSize(3);
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException("it did not happen within a minute");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  void ofAPausedSandbox_theCopiesRun() {
    server.send("POST", "/v1/sandboxes/" + source + "/pause");

    String copy = text(items(fork("{}")).getFirst(), "id");

    assertThat(runtime.find(copy).orElseThrow().state()).isEqualTo(RuntimeSandbox.State.RUNNING);
    assertThat(server.send("GET", "/v1/sandboxes/" + source).text("status", "state"))
        .isEqualTo("Paused");
  }

  @Test
  void ofOneThatHasEnded_isAConflict() {
    runtime.exit(source, 0);
    runtime.awaitEvents();
    while (server
        .send("GET", "/v1/sandboxes/" + source)
        .text("status", "state")
        .equals("Running")) {
      Thread.onSpinWait();
    }

    TestServer.Answer answer = fork("{}");

    assertThat(answer.status()).isEqualTo(409);
    assertThat(answer.text("code")).isEqualTo("DOCKER::SANDBOX_NOT_RUNNING");
  }

  @Test
  void ofNobody_isNotFound() {
    TestServer.Answer answer =
        server.send("POST", path("00000000-0000-4000-8000-000000000000"), "{}");

    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.text("code")).isEqualTo("DOCKER::SANDBOX_NOT_FOUND");
  }

  @Test
  void whereTheRuntimeHasNoCopies_itIsNotSupported() {
    runtime.setFeatures(Set.of(Capabilities.Feature.PAUSE));

    TestServer.Answer answer = fork("{}");

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.text("code")).isEqualTo("SANDBOX::API_NOT_SUPPORTED");
    assertThat(runtime.calls(FakeRuntime.Step.FORK)).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"count\":0}",
        "{\"count\":-1}",
        "{\"count\":101}",
        "{\"count\":1.5}",
        "{\"count\":\"many\"}",
        "{\"count\":[1]}",
        "{\"timeout\":59}",
        "{\"metadata\":{\"opensandbox.io/id\":\"x\"}}",
        "{\"metadata\":{\"a b\":\"x\"}}",
        "[]",
        "{"
      })
  void badRequestsMakeNothing(String body) {
    TestServer.Answer answer = fork(body);

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.text("code")).isNotEmpty();
    assertThat(runtime.sandboxIds()).containsExactly(source);
  }
}
