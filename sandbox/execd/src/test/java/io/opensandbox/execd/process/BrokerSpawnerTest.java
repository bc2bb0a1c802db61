package io.opensandbox.execd.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.execd.process.ProcessSpec.Descriptors;
import io.opensandbox.execd.process.ProcessSpec.Input;
import io.opensandbox.execd.process.ProcessSpec.Pipes;
import io.opensandbox.execd.process.ProcessSpec.Terminal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(180)
class BrokerSpawnerTest {
  @RegisterExtension static final TestBroker broker = new TestBroker();

  @Test
  void keepsStreamsApartAndReportsTheExitCode() throws IOException {
    var output = new CollectedOutput();

    ExitStatus end = run("echo out; echo err >&2; exit 3", output);

    assertThat(output.out()).isEqualTo("out\n");
    assertThat(output.err()).isEqualTo("err\n");
    assertThat(end.exitCode()).isEqualTo(3);
  }

  @Test
  void mergedStreamsKeepTheirOrder() throws IOException {
    var output = new CollectedOutput();

    drain(shell("echo 1; echo 2 >&2; echo 3", new Pipes(false, true), Descriptors.NONE), output);

    assertThat(output.out()).isEqualTo("1\n2\n3\n");
  }

  @Test
  void environmentAndFolderAreTheOnesGiven() throws IOException {
    var output = new CollectedOutput();
    var spec =
        new ProcessSpec(
            List.of("/bin/sh", "-c", "pwd; echo $A"),
            Map.of("A", "b c"),
            "/usr",
            null,
            new Pipes(false, false),
            Descriptors.NONE);

    drain(spec, output);

    assertThat(output.out()).isEqualTo("/usr\nb c\n");
  }

  @Test
  void failedStartSaysWhichStepFailed() {
    var spec =
        new ProcessSpec(
            List.of("/bin/nope"), Map.of(), null, null, new Pipes(false, false), Descriptors.NONE);

    assertThatThrownBy(() -> drain(spec, new CollectedOutput()))
        .isInstanceOf(SpawnException.class)
        .hasMessageContaining("/bin/nope")
        .hasMessageContaining("No such file or directory");
  }

  @Test
  void missingBrokerIsASpawnFailure() {
    var orphan = new BrokerSpawner(Path.of("/nonexistent/socket"), 0);

    assertThatThrownBy(() -> orphan.start(shell("true", new Pipes(false, false), Descriptors.NONE)))
        .isInstanceOf(SpawnException.class)
        .hasMessageContaining("cannot reach the process broker");
  }

  @Test
  void nulInAnArgumentIsRefused() {
    assertThatThrownBy(() -> run("echo \0", new CollectedOutput()))
        .isInstanceOf(SpawnException.class)
        .hasMessage("argument contains a NUL character");
  }

  @Test
  void stdinIsFedAndClosed() throws Exception {
    var output = new CollectedOutput();
    try (RunningProcess process =
        broker.spawner().start(shell("cat", new Pipes(true, false), Descriptors.NONE))) {
      byte[] text = "hello".getBytes(StandardCharsets.UTF_8);

      process.awaitStart();
      process.write(text, 0, text.length);
      process.closeInput();
      process.drain(output);
    }

    assertThat(output.out()).isEqualTo("hello");
  }

  @Test
  void inputsAndStateUseTheirOwnDescriptors() throws IOException {
    var output = new CollectedOutput();
    byte[] script = "echo visible; echo hidden >&9".getBytes(StandardCharsets.UTF_8);
    var spec =
        new ProcessSpec(
            List.of("/bin/sh", "/dev/fd/8"),
            Map.of(),
            null,
            null,
            new Pipes(false, false),
            new Descriptors(9, List.of(new Input(8, script))));

    drain(spec, output);

    assertThat(output.out()).isEqualTo("visible\n");
    assertThat(output.state()).isEqualTo("hidden\n");
  }

  @Test
  void terminalHasTheSizeGiven() throws IOException {
    var output = new CollectedOutput();

    drain(shell("test -t 0 && stty size", new Terminal(33, 99), Descriptors.NONE), output);

    assertThat(output.out()).isEqualTo("33 99\r\n");
  }

  @Test
  void leftBehindChildrenAreNotWaitedFor() throws IOException {
    var output = new CollectedOutput();
    long before = System.nanoTime();

    run("sleep 90 & echo started", output);

    assertThat(output.out()).isEqualTo("started\n");
    assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(80));
  }

  @Test
  void endGroup_kindly_endsWithTheSignal() throws Exception {
    ExitStatus end = runAndEnd("echo ready; sleep 170; true", Duration.ofSeconds(60));

    assertThat(end.describe()).isEqualTo("signal: terminated");
  }

  @Test
  void endGroup_whenTermIsIgnored_kills() throws Exception {
    ExitStatus end =
        runAndEnd("trap '' TERM; echo ready; sleep 170; sleep 170", Duration.ofMillis(200));

    assertThat(end.describe()).isEqualTo("signal: killed");
  }

  @Test
  void endGroup_killsMembersThatOutliveTheirLeader() throws Exception {
    String script = "(trap '' TERM; echo ready; exec sleep 7654321) & wait";

    runAndEnd(script, Duration.ofMillis(300));

    boolean left =
        ProcessHandle.allProcesses()
            .anyMatch(p -> p.info().commandLine().orElse("").contains("7654321") && p.isAlive());
    assertThat(left).isFalse();
  }

  @Test
  void signalReachesAProcessThatDoesNotReadItsInput() throws Exception {
    try (RunningProcess process =
            broker
                .spawner()
                .start(shell("exec sleep 170", new Pipes(true, false), Descriptors.NONE));
        var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      process.awaitStart();
      Future<ExitStatus> end = tasks.submit(() -> process.drain(new CollectedOutput()));
      var written = new AtomicInteger();
      CompletableFuture<Void> writer =
          CompletableFuture.runAsync(() -> writeUntilRefused(process, written), tasks);
      awaitStandstill(written);

      process.signal(Signal.KILL, SignalTarget.GROUP);

      assertThat(end.get().describe()).isEqualTo("signal: killed");
      assertThat(writer).succeedsWithin(Duration.ofSeconds(60));
    }
  }

  @Test
  void manyAtOnceLoseNothing() throws Exception {
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      var results =
          java.util.stream.IntStream.range(0, 50)
              .mapToObj(i -> tasks.submit(() -> outputOf("seq " + i + " " + (i + 2000))))
              .toList();

      for (int i = 0; i < results.size(); i++) {
        assertThat(results.get(i).get().lines()).hasSize(2001).startsWith("" + i);
      }
    }
  }

  private static void writeUntilRefused(RunningProcess process, AtomicInteger written) {
    assertThatThrownBy(
            () -> {
              while (true) {
                process.write(new byte[1 << 18], 0, 1 << 18);
                written.incrementAndGet();
              }
            })
        .isInstanceOf(IOException.class);
  }

  /// Returns when the counter has risen and then not for a while.
  private static void awaitStandstill(AtomicInteger counter) {
    int before = 0;
    for (int same = 0; same < 10; same = before > 0 && before == counter.get() ? same + 1 : 0) {
      before = counter.get();
      LockSupport.parkNanos(20_000_000);
    }
  }

  private static String outputOf(String script) throws IOException {
    var output = new CollectedOutput();
    run(script, output);
    return output.out();
  }

  private static ExitStatus runAndEnd(String script, Duration grace) throws Exception {
    var ready = new CountDownLatch(1);
    try (RunningProcess process =
            broker.spawner().start(shell(script, new Pipes(false, false), Descriptors.NONE));
        var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<ExitStatus> end = tasks.submit(() -> process.drain(new Announcing(ready)));
      ready.await();

      process.endGroup(grace);

      return end.get();
    }
  }

  private static ExitStatus run(String script, OutputHandler output) throws IOException {
    return drain(shell(script, new Pipes(false, false), Descriptors.NONE), output);
  }

  private static ExitStatus drain(ProcessSpec spec, OutputHandler output) throws IOException {
    try (RunningProcess process = broker.spawner().start(spec)) {
      return process.drain(output);
    }
  }

  private static ProcessSpec shell(
      String script, ProcessSpec.Stdio stdio, Descriptors descriptors) {
    return new ProcessSpec(
        List.of("/bin/sh", "-c", script),
        Map.of("PATH", "/usr/bin:/bin"),
        null,
        null,
        stdio,
        descriptors);
  }

  /// Tells when the first output has come.
  private record Announcing(CountDownLatch ready) implements OutputHandler {
    @Override
    public void stdout(byte[] buffer, int offset, int length) {
      ready.countDown();
    }

    @Override
    public void stderr(byte[] buffer, int offset, int length) {
      ready.countDown();
    }
  }
}
