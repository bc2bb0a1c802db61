package io.opensandbox.e2e.execd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.TestSandbox;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Execution;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// The points about commands and sessions that the official end-to-end suites assert.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CommandConformanceIT {
  private TestSandbox sandbox;
  private Execd execd;

  @BeforeAll
  void createSandbox() {
    sandbox = Testbed.create(Images.PYTHON);
    execd = sandbox.execd();
  }

  @AfterAll
  void deleteSandbox() {
    sandbox.close();
  }

  @Test
  void echo_isOneStdoutEventWithoutNewline() {
    var execution = execd.run("echo 'Hello Sandbox!'");

    assertThat(execution.types()).containsExactly("init", "stdout", "execution_complete");
    assertThat(execution.stdout()).containsExactly("Hello Sandbox!");
    assertThat(execution.exitCode()).isZero();
    assertThat(execution.events())
        .allSatisfy(event ->
            assertThat(Instant.ofEpochMilli(event.number("timestamp")))
                .isCloseTo(Instant.now(), within(60, ChronoUnit.SECONDS)));
  }

  @Test
  void workingDirectory_isTheRequested() {
    var execution = execd.run(Map.of("command", "pwd", "cwd", "/tmp"), _ -> {});

    assertThat(execution.stdout()).containsExactly("/tmp");
  }

  @Test
  void missingWorkingDirectory_isRefused() {
    var reply =
        execd.http().sendJson("POST", "/command", Map.of("command", "pwd", "cwd", "/no/such"));

    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.json().text("code")).isEqualTo("INVALID_REQUEST_BODY");
    assertThat(reply.json().text("message")).contains("/no/such");
  }

  @Test
  void background_returnsAtOnceWithUnknownExitCode() {
    var start = System.nanoTime();
    var execution = execd.run(Map.of("command", "sleep 600", "background", true), _ -> {});
    var took = Duration.ofNanos(System.nanoTime() - start);

    assertThat(execution.types()).containsExactly("init", "execution_complete");
    assertThat(took).isLessThan(Duration.ofSeconds(60));
    var status = execd.http().send("GET", "/command/status/" + execution.id()).expect(200).json();
    assertThat(status.text("id")).isEqualTo(execution.id());
    assertThat(status.at("running").value()).isEqualTo(true);
    assertThat(status.find("exit_code")).isEmpty();
    execd.http().send("DELETE", "/command?id=" + execution.id()).expect(200);
  }

  @Test
  void unknownCommand_isAnErrorWithItsNameOnStderr() {
    var execution = execd.run("no_such_command_at_all");

    var error = execution.error().orElseThrow();
    assertThat(error.text("ename")).isEqualTo("CommandExecError");
    assertThat(error.text("evalue")).isEqualTo("127");
    assertThat(String.join("\n", execution.stderr())).contains("no_such_command_at_all");
    assertThat(execution.types()).doesNotContain("execution_complete");
  }

  @Test
  void nonZeroExit_isAnErrorEventAlone() {
    var execution = execd.run("echo out; echo err >&2; exit 3");

    assertThat(execution.types())
        .containsExactlyInAnyOrder("init", "stdout", "stderr", "error")
        .endsWith("error");
    assertThat(execution.stdout()).containsExactly("out");
    assertThat(execution.stderr()).containsExactly("err");
    assertThat(execution.error().orElseThrow().text("evalue")).isEqualTo("3");
    assertThat(execution.error().orElseThrow().at("traceback").items().getFirst().value())
        .isEqualTo("exit status 3");
  }

  @Test
  void interrupt_endsTheStream() throws Exception {
    var id = new CompletableFuture<String>();
    var running =
        CompletableFuture.supplyAsync(() ->
            execd.run(
                Map.of("command", "sleep 600"),
                event -> {
                  if (event.text("type").equals("init")) {
                    id.complete(event.text("text"));
                  }
                }));

    var runningId = id.get(60, TimeUnit.SECONDS);
    execd.http().send("DELETE", "/command?id=" + runningId).expect(200);
    var execution = running.get(60, TimeUnit.SECONDS);

    assertThat(execution.id()).isEqualTo(runningId);
    assertThat(execution.error().orElseThrow().text("evalue")).isEqualTo("-1");
  }

  @Test
  void timeout_killsTheWholeGroup() {
    var execution =
        execd.run(Map.of("command", "sleep 4242 & sleep 4242; echo no", "timeout", 200), _ -> {});

    assertThat(execution.exitCode()).isEqualTo(-1);
    assertThat(execution.stdout()).isEmpty();
    Deadline.in(Duration.ofSeconds(60))
        .await(
            () -> execd.run("grep -alF 'sleep\0004242' /proc/[0-9]*/cmdline").stdout().isEmpty(),
            "the child of a command that ran out of time still runs");
  }

  @Test
  void backgroundLogs_concatenateToTheFullOutput() {
    var id = execd.start("for i in 1 2 3 4 5; do echo line $i; echo err $i >&2; done");
    var collected = new StringBuilder();
    var cursor = new String[] {"0"};
    var deadline = Deadline.in(Duration.ofSeconds(60));
    while (!collected.toString().contains("err 5\n")) {
      var logs =
          execd.http().send("GET", "/command/" + id + "/logs?cursor=" + cursor[0]).expect(200);
      assertThat(logs.header("Content-Type").orElseThrow()).startsWith("text/plain");
      collected.append(logs.text());
      cursor[0] = logs.header("EXECD-COMMANDS-TAIL-CURSOR").orElseThrow();
      deadline.pauseOrFail("the logs stop at: " + collected);
    }

    var expected = new StringBuilder();
    for (int i = 1; i <= 5; i++) {
      expected.append("line ").append(i).append("\nerr ").append(i).append('\n');
    }
    assertThat(collected).hasToString(expected.toString());
  }

  @Test
  void environment_isVisibleInThatCommandOnly() {
    var with =
        execd.run(Map.of("command", "echo \"[$E2E_X]\"", "envs", Map.of("E2E_X", "a b")), _ -> {});
    var without = execd.run("echo \"[$E2E_X]\"");

    assertThat(with.stdout()).containsExactly("[a b]");
    assertThat(without.stdout()).containsExactly("[]");
  }

  @Test
  void blankLines_areEventsOfTheirOwn() {
    assertThat(execd.run("printf 'a\\n\\nb\\n\\n\\nc\\n'").stdout())
        .isEqualTo(List.of("a", "\n", "b", "\n", "\n", "c"));
  }

  @Test
  void carriageReturns_splitLines_andTheTailIsFlushed() {
    assertThat(execd.run("printf 'x 10%%\\rx 20%%\\r\\ntail'").stdout())
        .containsExactly("x 10%", "x 20%", "tail");
  }

  @Test
  void eventStream_hasTheContractsHeadersAndFraming() throws Exception {
    var response =
        execd
            .http()
            .open(
                "POST",
                "/command",
                BodyPublishers.ofString("{\"command\":\"echo x\"}"),
                "Content-Type",
                "application/json");
    String body;
    try (var stream = response.body()) {
      body = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Type")).hasValue("text/event-stream");
    assertThat(response.headers().firstValue("Cache-Control")).hasValue("no-cache");
    assertThat(response.headers().firstValue("X-Accel-Buffering")).hasValue("no");
    assertThat(body).endsWith("}\n\n").doesNotContain("data:");
    assertThat(body.split("\n\n")).allMatch(event -> event.startsWith("{") && event.endsWith("}"));
  }

  @Test
  void session_keepsDirectoryAndExports() {
    var id =
        execd
            .http()
            .sendJson("POST", "/session", Map.of("cwd", "/tmp"))
            .expect(200)
            .json()
            .text("session_id");
    var path = "/session/" + id + "/run";

    assertThat(inSession(path, "pwd").stdout()).containsExactly("/tmp");
    var elsewhere = execd.stream(path, Map.of("command", "pwd", "cwd", "/var"), _ -> {});
    assertThat(elsewhere.stdout()).containsExactly("/var");
    assertThat(inSession(path, "export E2E_S=kept").exitCode()).isZero();
    assertThat(inSession(path, "echo $E2E_S").stdout()).containsExactly("kept");
    var failed = inSession(path, "sh -c 'echo oops >&2; exit 7'");
    assertThat(failed.error().orElseThrow().text("ename")).isEqualTo("CommandExecError");
    assertThat(failed.error().orElseThrow().text("evalue")).isEqualTo("7");
    assertThat(failed.types()).doesNotContain("execution_complete");
    execd.http().send("DELETE", "/session/" + id).expect(200);
    var gone = execd.http().send("DELETE", "/session/" + id);
    assertThat(gone.status()).isEqualTo(404);
    assertThat(gone.json().text("code")).isEqualTo("CONTEXT_NOT_FOUND");
  }

  @Test
  void session_withoutBody_isMade() {
    var reply =
        execd.http().sendBody("POST", "/session", "application/json", BodyPublishers.noBody());

    assertThat(reply.status()).isEqualTo(200);
    execd.http().send("DELETE", "/session/" + reply.json().text("session_id")).expect(200);
  }

  @Test
  void earlyDisconnect_leavesExecdHealthy() throws Exception {
    var response =
        execd
            .http()
            .open(
                "POST",
                "/command",
                BodyPublishers.ofString("{\"command\":\"echo go; sleep 1; echo late\"}"),
                "Content-Type",
                "application/json");
    var stream = response.body();
    assertThat(stream.read()).isEqualTo('{');
    stream.close();

    assertThat(execd.http().send("GET", "/ping").status()).isEqualTo(200);
    assertThat(execd.run("echo alive").stdout()).containsExactly("alive");
  }

  @Test
  void metrics_areWithinTheirLimits() {
    var metrics = execd.http().send("GET", "/metrics").expect(200).json();

    assertThat(metrics.number("cpu_count")).isPositive();
    assertThat(metrics.decimal("cpu_used_pct")).isBetween(0.0, 100.0);
    assertThat(metrics.number("mem_used_mib")).isBetween(0L, metrics.number("mem_total_mib"));
    assertThat(Instant.ofEpochMilli(metrics.number("timestamp")))
        .isCloseTo(Instant.now(), within(60, ChronoUnit.SECONDS));
  }

  private Execution inSession(String path, String command) {
    return execd.stream(path, Map.of("command", command), _ -> {});
  }
}
