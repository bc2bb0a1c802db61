package io.opensandbox.execd.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What every source of kernels does, seen on a real Python kernel.
///
/// The kernels come from the virtual environment that `scripts/setup --test` makes.
abstract class KernelSourceTck {
  private static final String HANG = "print('up', flush=True)\nimport time\ntime.sleep(600)";

  @TempDir Path directory;

  /// The source under test, ready; the implementation ends it after the test.
  abstract KernelSource source();

  /// The reason that a run gets whose kernel was killed.
  abstract String deathReason();

  /// The Python of the test kernels.
  static Path kernelsPython() {
    String bin = System.getProperty("execd.test.kernels", "../../.work/sdk/kernels/bin");
    return Path.of(bin, "python3").toAbsolutePath().normalize();
  }

  @Test
  void keepsStateAndCountsRuns() throws IOException {
    try (Kernel kernel = open()) {
      RecordedExecution first = run(kernel, "x = 41\nprint('set')");
      RecordedExecution second = run(kernel, "x + 1");

      assertThat(first.events()).containsExactly("STDOUT set\n", "complete");
      assertThat(second.events()).containsExactly("result 2 42", "complete");
    }
  }

  @Test
  void keepsStreamsApart() throws IOException {
    try (Kernel kernel = open()) {
      RecordedExecution run =
          run(kernel, "import sys\nprint('out')\nprint('err', file=sys.stderr)");

      assertThat(run.events())
          .containsExactlyInAnyOrder("STDOUT out\n", "STDERR err\n", "complete")
          .endsWith("complete");
    }
  }

  @Test
  void deliversRichResults() throws IOException {
    try (Kernel kernel = open()) {
      RecordedExecution run =
          run(
              kernel,
              """
              from IPython.display import HTML, JSON, Latex, SVG, display
              display(HTML('<b>x</b>'), Latex('$x^2$'), JSON({'a': [1, None]}))
              SVG('<svg xmlns="http://www.w3.org/2000/svg"/>')\
              """);

      assertThat(run.bundles())
          .extracting(bundle -> bundle.members().keySet())
          .satisfiesExactly(
              html -> assertThat(html).contains("text/html", "text/plain"),
              latex -> assertThat(latex).contains("text/latex", "text/plain"),
              json -> assertThat(json).contains("application/json", "text/plain"),
              svg -> assertThat(svg).contains("image/svg+xml", "text/plain"));
      assertThat(run.bundles().getFirst().stringOrEmpty("text/html")).isEqualTo("<b>x</b>");
    }
  }

  @Test
  void reportsErrorsWithTraceback() throws IOException {
    try (Kernel kernel = open()) {
      RecordedExecution run = run(kernel, "1/0");

      assertThat(run.events()).containsExactly("error ZeroDivisionError division by zero");
      assertThat(run.traceback()).isNotEmpty();
    }
  }

  @Test
  void inputIsAnErrorThatSaysWhy() throws IOException {
    try (Kernel kernel = open()) {
      RecordedExecution run = run(kernel, "input('name? ')");

      assertThat(run.events())
          .singleElement()
          .asString()
          .startsWith("error StdinNotImplementedError")
          .contains("input");
    }
  }

  @Test
  void startsInTheGivenDirectory() throws IOException {
    try (Kernel kernel = source().open("python", directory)) {
      RecordedExecution run = run(kernel, "import os; print(os.getcwd(), end='')");

      assertThat(run.events()).containsExactly("STDOUT " + directory.toRealPath(), "complete");
    }
  }

  @Test
  void interruptsWhatRuns() throws Exception {
    try (Kernel kernel = open()) {
      Background hanging = Background.run(kernel, HANG);
      kernel.interrupt();
      hanging.awaitEnd();

      assertThat(hanging.execution.events().getLast()).startsWith("error KeyboardInterrupt");
      assertThat(run(kernel, "7").events()).contains("complete");
    }
  }

  @Test
  void refusesASecondRunWhileBusy() throws Exception {
    try (Kernel kernel = open()) {
      Background hanging = Background.run(kernel, HANG);

      assertThat(kernel.isBusy()).isTrue();
      assertThat(kernel.run("1", new RecordedExecution())).isFalse();
      kernel.interrupt();
      hanging.awaitEnd();
    }
  }

  @Test
  void endsTheRunOfAKernelThatDies() throws IOException {
    try (Kernel kernel = open()) {
      RecordedExecution run =
          run(kernel, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)");

      assertThat(run.events()).containsExactly("error KernelDied " + deathReason());
      assertThat(kernel.isAlive()).isFalse();
    }
  }

  @Test
  void cutsAHugeMessageAndLives() throws IOException {
    try (Kernel kernel = open()) {
      RecordedExecution run = run(kernel, "print('x' * 30_000_000)");

      assertThat(run.events().getFirst()).startsWith("STDOUT xxx").hasSizeGreaterThan(1_000_000);
      assertThat(run.events()).contains("cut").endsWith("complete");
      assertThat(run(kernel, "3").events()).contains("complete");
    }
  }

  @Test
  void endsTheRunOfAnErrorThatIsTooLarge() throws IOException {
    try (Kernel kernel = open()) {
      RecordedExecution run = run(kernel, "raise SystemExit('x' * 8_000_000)");

      assertThat(run.events()).contains("cut");
      assertThat(run.events().getLast()).startsWith("error ");
      assertThat(run(kernel, "3").events()).contains("complete");
    }
  }

  @Test
  void saysThatNoKernelIsInstalled() {
    assertThatThrownBy(() -> source().open("cobol", null))
        .isInstanceOf(NoKernelException.class)
        .hasMessageEndingWith("for language \"cobol\"");
  }

  final Kernel open() throws IOException {
    return source().open("python", null);
  }

  static RecordedExecution run(Kernel kernel, String code) {
    RecordedExecution execution = new RecordedExecution();
    execution.runOn(kernel, code);
    return execution;
  }

  /// A run on another thread, which has given its first event.
  record Background(RecordedExecution execution, CompletableFuture<Void> end) {
    static Background run(Kernel kernel, String code) throws InterruptedException {
      RecordedExecution execution = new RecordedExecution();
      CompletableFuture<Void> end = CompletableFuture.runAsync(() -> execution.runOn(kernel, code));
      execution.awaitEvents(1);
      return new Background(execution, end);
    }

    void awaitEnd() throws Exception {
      end.get(60, TimeUnit.SECONDS);
    }
  }
}
