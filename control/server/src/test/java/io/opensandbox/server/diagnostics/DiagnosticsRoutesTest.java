package io.opensandbox.server.diagnostics;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.server.FakeClock;
import io.opensandbox.server.TestServer;
import io.opensandbox.server.json.Json;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiagnosticsRoutesTest {
  private static final FakeRuntime RUNTIME = new FakeRuntime();
  private static TestServer server;

  @BeforeAll
  static void start(@TempDir Path folder) {
    server = TestServer.start(folder, RUNTIME, new FakeClock(), "");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void logsAreTextWithoutScope() {
    var id = echoing("one", "two", "three");

    var all = diagnose(id, "logs");
    var tail = diagnose(id, "logs?tail=1");

    assertThat(all.status()).isEqualTo(200);
    assertThat(all.header("Content-Type")).hasValue("text/plain; charset=utf-8");
    assertThat(all.header("Deprecation")).hasValue("true");
    assertThat(all.body().lines()).hasSize(3).last().asString().endsWith("Z three");
    assertThat(tail.body().lines()).hasSize(1);
  }

  @Test
  void noLogsSaySo() {
    assertThat(diagnose(server.create(), "logs").body()).isEqualTo("(no logs)");
  }

  @Test
  void logsAreADescriptorWithScope() {
    var id = echoing("one", "two", "three");

    var answer = diagnose(id, "logs?scope=container&tail=2");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("Deprecation")).isEmpty();
    assertThat(answer.text("sandboxId")).isEqualTo(id);
    assertThat(answer.text("kind")).isEqualTo("logs");
    assertThat(answer.text("scope")).isEqualTo("container");
    assertThat(answer.text("delivery")).isEqualTo("inline");
    assertThat(answer.text("contentType")).isEqualTo("text/plain; charset=utf-8");
    assertThat(answer.text("content").lines()).hasSize(2).last().asString().endsWith(" three");
    assertThat(answer.json().members().get("truncated")).isEqualTo(new Json.Bool(true));
    assertThat(answer.json().members()).doesNotContainKeys("warnings", "contentUrl", "expiresAt");
  }

  @Test
  void allLinesAreNotTruncated() {
    var answer = diagnose(echoing("one", "two"), "logs?scope=all&tail=2");

    assertThat(answer.text("content").lines()).hasSize(2);
    assertThat(answer.json().members().get("truncated")).isEqualTo(new Json.Bool(false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"weather", ""})
  void unknownScopesGiveEverythingAndSaySo(String scope) {
    var answer = diagnose(echoing("one"), "logs?scope=" + scope);

    assertThat(answer.text("scope")).isEqualTo(scope);
    assertThat(answer.text("content")).endsWith(" one\n");
    assertThat(answer.body())
        .contains("\"warnings\":[\"the scope \\\"" + scope + "\\\" is not known");
  }

  @Test
  void eventsTellHowItEnded() {
    var id = server.create();
    RUNTIME.outOfMemory(id);

    var text = diagnose(id, "events");
    var descriptor = diagnose(id, "events?scope=lifecycle");

    assertThat(text.header("Deprecation")).hasValue("true");
    assertThat(text.body())
        .contains("Container: ", "Status: exited", "Created: ", "Finished: ")
        .contains("Event: killed for using too much memory (OOMKilled)", "exited with code 137");
    assertThat(descriptor.text("kind")).isEqualTo("events");
    assertThat(descriptor.text("content")).contains("] Accepted\n");
  }

  @Test
  void nothingNotableSaysSo() {
    var id = server.create();
    var container = ("c0ffee" + id.replace("-", "")).substring(0, 12);

    assertThat(diagnose(id, "events").body().lines())
        .satisfiesExactly(
            line -> assertThat(line).isEqualTo("Container: " + container + " (sandbox-" + id + ")"),
            line -> assertThat(line).isEqualTo("Status: running"),
            line -> assertThat(line).startsWith("Created: "),
            line -> assertThat(line).startsWith("Started: "),
            line -> assertThat(line).isEqualTo("(no notable events)"));
  }

  @Test
  void eventsTellTheLastHealthChecks() {
    var id = server.create();
    RUNTIME.checked(id, "unhealthy", List.of("first", "second", "third"));

    assertThat(diagnose(id, "events").body())
        .endsWith("Health: unhealthy\n  first\n  second\n  third\n");
    assertThat(diagnose(id, "events?limit=1").body()).endsWith("Health: unhealthy\n  third\n");
  }

  @Test
  void inspectMasksSecrets() {
    var body =
        TestServer.body(
            ",\"env\":{\"MY_API_KEY\":\"hunter2\",\"DB_PASSWORD\":\"hunter2\",\"PLAIN\":\"shown\"}");
    var id = server.send("POST", "/v1/sandboxes", body).text("id");

    var answer = diagnose(id, "inspect");

    assertThat(answer.header("Deprecation")).isEmpty();
    assertThat(answer.body())
        .contains("MY_API_KEY=***", "DB_PASSWORD=***", "PLAIN=shown")
        .doesNotContain("hunter2");
  }

  @Test
  void summaryHasAllPartsAndSurvivesAFailingOne() {
    var id = echoing("one");
    RUNTIME.failNext(
        FakeRuntime.Step.DESCRIBE,
        new SandboxException(ErrorCode.SANDBOX_QUERY_FAILED, "secret detail"));

    var answer = diagnose(id, "summary");

    assertThat(answer.header("Deprecation")).isEmpty();
    assertThat(answer.body())
        .startsWith("=".repeat(72) + "\n")
        .contains(
            id, "INSPECT\n", "EVENTS\n", "LOGS\n", "(this part could not be collected", " one")
        .doesNotContain("secret detail");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "logs?tail=0",
        "logs?tail=10001",
        "logs?tail=x&scope=all",
        "logs?scope=all&tail=0",
        "events?limit=0",
        "events?limit=501",
        "events?scope=all&limit=501",
        "summary?tail=0",
        "summary?event_limit=501"
      })
  void numbersOutOfRangeAreInvalid(String what) {
    var answer = diagnose(server.create(), what);

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.text("code")).isEqualTo("SANDBOX::INVALID_PARAMETER");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"logs", "logs?scope=all", "events", "events?scope=all", "inspect", "summary"})
  void unknownSandboxIsNotFound(String what) {
    var answer = diagnose("nobody", what);

    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.text("code")).isEqualTo("DOCKER::SANDBOX_NOT_FOUND");
  }

  @Test
  void aSandboxThatTheRuntimeLostHasReportsAllTheSame(@TempDir Path folder) {
    var forgetful = new FakeRuntime();
    try (var other = TestServer.start(folder, forgetful, new FakeClock(), "")) {
      var id = other.create();
      // The server looks at every sandbox that it has just made; it must not notice the loss yet.
      forgetful.intercept((step, _) -> {
        if (step == FakeRuntime.Step.FIND
            && Thread.currentThread().getName().startsWith("lifecycle-")) {
          throw new IllegalStateException("the runtime is busy");
        }
      });
      forgetful.vanish(id);

      for (var what : List.of("logs", "events", "inspect", "summary")) {
        assertThat(other.send("GET", "/v1/sandboxes/" + id + "/diagnostics/" + what).status())
            .as(what)
            .isEqualTo(200);
      }
    }
  }

  private String echoing(String... lines) {
    var script = new StringBuilder();
    for (var line : lines) {
      script.append(script.isEmpty() ? "" : "; ").append("echo ").append(line);
    }
    var body =
        TestServer.body("").replace("[\"sleep\",\"1d\"]", "[\"sh\",\"-c\",\"" + script + "\"]");
    return server.send("POST", "/v1/sandboxes", body).text("id");
  }

  private TestServer.Answer diagnose(String id, String what) {
    return server.send("GET", "/v1/sandboxes/" + id + "/diagnostics/" + what);
  }
}
