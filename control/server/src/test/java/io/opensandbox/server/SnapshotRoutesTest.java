package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.runtime.FakeRuntime.Step;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Snapshots over HTTP.
class SnapshotRoutesTest {
  @TempDir Path folder;
  private final FakeRuntime runtime = new FakeRuntime();
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start(folder, runtime, new FakeClock(), "");
  }

  @AfterEach
  void stop() {
    runtime.intercept((_, _) -> {});
    server.close();
    runtime.close();
  }

  private String state(String id) {
    return server.send("GET", "/v1/snapshots/" + id).text("status", "state");
  }

  private void awaitState(String id, String state) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!state(id).equals(state)) {
      assertThat(System.nanoTime()).as(state(id)).isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  private String ready(String sandbox) {
    String id = server.send("POST", "/v1/sandboxes/" + sandbox + "/snapshots").text("id");
    awaitState(id, "Ready");
    return id;
  }

  @Test
  void createIsAcceptedThenReady() {
    String sandbox = server.create();

    var answer =
        server.send("POST", "/v1/sandboxes/" + sandbox + "/snapshots", "{\"name\":\"n1\"}");

    String id = answer.text("id");
    assertThat(answer.status()).isEqualTo(202);
    assertThat(answer.header("Location")).contains("/v1/snapshots/" + id);
    assertThat(answer.body())
        .isEqualTo(
            "{\"id\":\""
                + id
                + "\",\"sandboxId\":\""
                + sandbox
                + "\",\"name\":\"n1\",\"status\":{\"state\":\"Creating\","
                + "\"reason\":\"snapshot_accepted\","
                + "\"message\":\"Snapshot creation accepted.\","
                + "\"lastTransitionAt\":\"2030-01-01T00:00:00.123456Z\"},"
                + "\"createdAt\":\"2030-01-01T00:00:00.123456Z\"}");
    awaitState(id, "Ready");
    var ready = server.send("GET", "/v1/snapshots/" + id);
    assertThat(ready.text("status", "reason")).isEqualTo("snapshot_runtime_ready");
    assertThat(ready.text("status", "message")).isNotBlank();
    assertThat(ready.text("createdAt")).isEqualTo(answer.text("createdAt"));
  }

  @Test
  void aSnapshotOutlivesItsSandboxAndIsRestored() {
    String sandbox = server.create();
    String id = ready(sandbox);
    server.send("DELETE", "/v1/sandboxes/" + sandbox);

    var restored =
        server.send(
            "POST", "/v1/sandboxes", "{\"snapshotId\":\"" + id + "\",\"resourceLimits\":{}}");

    assertThat(restored.status()).as(restored.body()).isEqualTo(202);
    assertThat(restored.body()).contains("\"entrypoint\":[\"tail\",\"-f\",\"/dev/null\"]");
    var sandboxView = server.send("GET", "/v1/sandboxes/" + restored.text("id"));
    assertThat(sandboxView.text("snapshotId")).isEqualTo(id);
    assertThat(sandboxView.json().members()).doesNotContainKeys("image", "expiresAt", "metadata");
  }

  @Test
  void deletingTheSourceRightAwayDoesNotSpoilTheSnapshot() {
    String sandbox = server.create();
    String id = server.send("POST", "/v1/sandboxes/" + sandbox + "/snapshots").text("id");

    assertThat(server.send("DELETE", "/v1/sandboxes/" + sandbox).status()).isEqualTo(204);

    awaitState(id, "Ready");
  }

  @Test
  void deleteRemovesImageAndRecord() {
    String id = ready(server.create());

    assertThat(server.send("DELETE", "/v1/snapshots/" + id).status()).isEqualTo(204);

    assertThat(server.send("GET", "/v1/snapshots/" + id).status()).isEqualTo(404);
    assertThat(server.send("DELETE", "/v1/snapshots/" + id).text("code"))
        .isEqualTo("SNAPSHOT::NOT_FOUND");
    assertThat(runtime.imageReferences()).noneMatch(image -> image.contains("snapshots"));
  }

  @Test
  void deleteOfAUsedSnapshotIsAConflictAndKeepsItUsable() {
    String id = ready(server.create());
    String body = "{\"snapshotId\":\"" + id + "\",\"resourceLimits\":{}}";
    server.send("POST", "/v1/sandboxes", body);

    var answer = server.send("DELETE", "/v1/snapshots/" + id);

    assertThat(answer.status()).isEqualTo(409);
    assertThat(answer.text("code")).isEqualTo("SNAPSHOT::DELETE_CONFLICT");
    assertThat(state(id)).isEqualTo("Ready");
    assertThat(server.send("POST", "/v1/sandboxes", body).status()).isEqualTo(202);
  }

  @Test
  void aFailedRemovalStaysDeletingAndIsRepeated() {
    String id = ready(server.create());
    runtime.failNext(
        Step.REMOVE_SNAPSHOT,
        new SandboxException(ErrorCode.SNAPSHOT_IMAGE_REMOVE_FAILED, "disk error"));

    assertThat(server.send("DELETE", "/v1/snapshots/" + id).status()).isEqualTo(500);
    assertThat(state(id)).isEqualTo("Deleting");

    assertThat(server.send("DELETE", "/v1/snapshots/" + id).status()).isEqualTo(204);
  }

  @Test
  void creatingSnapshotsAreNeitherRestoredNorDeleted() {
    String sandbox = server.create();
    var mayGoOn = new CountDownLatch(1);
    runtime.intercept((step, _) -> {
      if (step == Step.SNAPSHOT) {
        awaitLatch(mayGoOn);
      }
    });
    String id = server.send("POST", "/v1/sandboxes/" + sandbox + "/snapshots").text("id");

    var restore =
        server.send(
            "POST", "/v1/sandboxes", "{\"snapshotId\":\"" + id + "\",\"resourceLimits\":{}}");
    var delete = server.send("DELETE", "/v1/snapshots/" + id);
    mayGoOn.countDown();

    assertThat(restore.status()).isEqualTo(409);
    assertThat(restore.text("code")).isEqualTo("SNAPSHOT::NOT_READY");
    assertThat(delete.status()).isEqualTo(409);
    assertThat(delete.text("code")).isEqualTo("SNAPSHOT::INVALID_STATE");
  }

  @Test
  void aFailedCaptureSaysWhy() {
    String sandbox = server.create();
    runtime.failNext(
        Step.SNAPSHOT, new SandboxException(ErrorCode.SNAPSHOT_CREATE_FAILED, "no space left"));

    String id = server.send("POST", "/v1/sandboxes/" + sandbox + "/snapshots").text("id");

    awaitState(id, "Failed");
    var answer = server.send("GET", "/v1/snapshots/" + id);
    assertThat(answer.text("status", "reason")).isEqualTo("snapshot_runtime_failed");
    assertThat(answer.text("status", "message")).contains("no space left");
  }

  @Test
  void onlyRunningSandboxesAreCaptured() {
    String sandbox = server.create();
    server.send("POST", "/v1/sandboxes/" + sandbox + "/pause");

    var answer = server.send("POST", "/v1/sandboxes/" + sandbox + "/snapshots");

    assertThat(answer.status()).isEqualTo(409);
    assertThat(answer.text("code")).isEqualTo("SNAPSHOT::INVALID_SOURCE_STATE");
    assertThat(server.send("POST", "/v1/sandboxes/nope/snapshots").status()).isEqualTo(404);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"{\"name\":\"\"} | 400", "{\"name\":1} | 400", "[] | 400"})
  void badBodiesAreRefused(String body, int status) {
    String sandbox = server.create();

    var answer = server.send("POST", "/v1/sandboxes/" + sandbox + "/snapshots", body);

    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.text("code")).isEqualTo("SANDBOX::INVALID_PARAMETER");
  }

  @Test
  void listFiltersBySandboxAndState() {
    String sandbox = server.create();
    ready(sandbox);
    ready(server.create());

    assertThat(server.send("GET", "/v1/snapshots?sandboxId=" + sandbox).body())
        .contains("\"totalItems\":1,");
    assertThat(server.send("GET", "/v1/snapshots?state=Ready&state=Failed").body())
        .contains("\"totalItems\":2,");
    assertThat(server.send("GET", "/v1/snapshots?state=ready").body())
        .contains("\"totalItems\":0,");
    assertThat(server.send("GET", "/v1/snapshots?pageSize=500").status()).isEqualTo(400);
  }

  @Test
  void aCaptureCutShortIsSettledAtTheNextStart() {
    String sandbox = server.create();
    String id = ready(sandbox);
    server.close();

    server = TestServer.start(folder, runtime, new FakeClock(), "");

    assertThat(state(id)).isEqualTo("Ready");
    assertThat(
            server
                .send(server.request("GET", "/v1/snapshots/" + id, Optional.empty()))
                .text("sandboxId"))
        .isEqualTo(sandbox);
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
