package io.opensandbox.execd.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.execd.process.TestBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Real kernels, started by the real broker. Needs a Python with ipykernel: `-Dexecd.test.kernels`
/// names the `bin` directory of one (default `/usr/bin`).
@Timeout(180)
class DirectKernelsIT {
  @TempDir Path directory;

  private TestBroker broker;
  private DirectKernels kernels;

  @BeforeEach
  void start() throws IOException {
    String bin = System.getProperty("execd.test.kernels", "/usr/bin");
    Map<String, String> environment = new HashMap<>(System.getenv());
    environment.put("PATH", bin + ":" + environment.getOrDefault("PATH", ""));
    environment.put("IPYTHONDIR", directory.resolve("ipython").toString());
    Assumptions.assumeTrue(
        KernelSpecs.of(environment).find("python").isPresent(), "no Python kernel is installed");
    broker = TestBroker.start();
    kernels =
        new DirectKernels(
            broker.spawner(),
            () -> environment,
            directory.resolve("run"),
            new SecureRandom(),
            Clock.systemUTC());
  }

  @AfterEach
  void stop() throws IOException {
    if (broker != null) {
      broker.close();
    }
  }

  @Test
  void keepsStateBetweenRuns() throws IOException {
    try (Kernel kernel = kernels.open("python", null)) {
      RecordedExecution first = run(kernel, "x = 41\nprint('set')");
      RecordedExecution second = run(kernel, "x + 1");

      assertThat(first.events()).containsExactly("STDOUT set\n", "complete");
      assertThat(second.events()).containsExactly("result 2 42", "complete");
    }
  }

  @Test
  void reportsErrorsWithTraceback() throws IOException {
    try (Kernel kernel = kernels.open("python", null)) {
      RecordedExecution run = run(kernel, "1/0");

      assertThat(run.events()).containsExactly("error ZeroDivisionError division by zero");
      assertThat(run.traceback()).isNotEmpty();
    }
  }

  @Test
  void startsInTheGivenDirectory() throws IOException {
    try (Kernel kernel = kernels.open("python", directory)) {
      RecordedExecution run = run(kernel, "import os; print(os.getcwd(), end='')");

      assertThat(run.events()).containsExactly("STDOUT " + directory.toRealPath(), "complete");
    }
  }

  @Test
  void interruptsWhatRuns() throws Exception {
    try (Kernel kernel = kernels.open("python", null)) {
      RecordedExecution execution = new RecordedExecution();
      CompletableFuture<Void> run =
          CompletableFuture.runAsync(() ->
              execution.runOn(kernel, "print('up', flush=True)\nimport time\ntime.sleep(60)"));
      execution.awaitEvents(1);
      kernel.interrupt();
      run.get(20, TimeUnit.SECONDS);

      assertThat(execution.events()).hasSize(2);
      assertThat(execution.events().getLast()).startsWith("error KeyboardInterrupt");
      assertThat(run(kernel, "7").events()).contains("complete");
    }
  }

  @Test
  void endsTheRunOfAKernelThatDies() throws IOException {
    try (Kernel kernel = kernels.open("python", null)) {
      long start = System.nanoTime();
      RecordedExecution run =
          run(kernel, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)");

      assertThat(run.events()).containsExactly("error KernelDied the kernel ended: signal: killed");
      assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(1));
      assertThat(kernel.isAlive()).isFalse();
    }
  }

  @Test
  void cutsAHugeMessageAndLives() throws IOException {
    try (Kernel kernel = kernels.open("python", null)) {
      RecordedExecution run = run(kernel, "print('x' * 30_000_000)");

      assertThat(run.events()).contains("cut").endsWith("complete");
      assertThat(run(kernel, "3").events()).contains("complete");
    }
  }

  @Test
  void refusesASecondRunWhileBusy() throws Exception {
    try (Kernel kernel = kernels.open("python", null)) {
      RecordedExecution first = new RecordedExecution();
      CompletableFuture<Void> run =
          CompletableFuture.runAsync(
              () -> first.runOn(kernel, "print('up', flush=True)\nimport time\ntime.sleep(60)"));
      first.awaitEvents(1);

      assertThat(kernel.run("1", new RecordedExecution())).isFalse();
      kernel.interrupt();
      run.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void saysThatNoKernelIsInstalled() {
    assertThatThrownBy(() -> kernels.open("cobol", null))
        .isInstanceOf(NoKernelException.class)
        .hasMessage("no kernel is installed for language \"cobol\"");
  }

  @Test
  void leavesNoConnectionFile() throws IOException {
    kernels.open("python", null).close();

    try (var files = Files.list(directory.resolve("run"))) {
      assertThat(files).isEmpty();
    }
  }

  private static RecordedExecution run(Kernel kernel, String code) {
    RecordedExecution execution = new RecordedExecution();
    execution.runOn(kernel, code);
    return execution;
  }
}
