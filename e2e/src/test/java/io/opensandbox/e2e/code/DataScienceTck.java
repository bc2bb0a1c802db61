package io.opensandbox.e2e.code;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.wire.Execution;
import io.opensandbox.e2e.wire.Json;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/// What a data scientist sees, with either source of kernels. All tests share one sandbox, each has
/// a context of its own.
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class DataScienceTck {
  private @Nullable Interpreter created;

  /// A new sandbox, ready for contexts.
  abstract Interpreter createInterpreter();

  /// The reason that a run gets whose kernel was killed.
  abstract String deathReason();

  @BeforeAll
  void create() {
    created = createInterpreter();
  }

  @AfterAll
  void delete() {
    if (created != null) {
      created.close();
    }
  }

  private Interpreter interpreter() {
    return Objects.requireNonNull(created);
  }

  @Test
  void aFigureIsAPng() throws Exception {
    Execution run =
        python(
            """
            import matplotlib.pyplot as plt
            plt.figure(figsize=(4, 3), dpi=100)
            plt.plot([1, 2, 4, 8])
            plt.show()\
            """);

    Json figure = Interpreter.results(run).getFirst();
    var image =
        ImageIO.read(
            new ByteArrayInputStream(Base64.getMimeDecoder().decode(figure.text("image/png"))));
    assertThat(image.getWidth()).isBetween(200, 500);
    assertThat(image.getHeight()).isBetween(150, 400);
    assertThat(figure.text("text")).startsWith("<Figure size");
    assertThat(run.types()).endsWith("execution_complete");
  }

  @Test
  void aDataFrameIsHtmlAndText() {
    Execution run =
        python(
            "import pandas\npandas.DataFrame({'city': ['Bern', 'Rome'], 'people': [134, 2746]})");

    Json frame = Interpreter.results(run).getFirst();
    assertThat(frame.text("text/html")).contains("<table", "<td>Bern</td>");
    assertThat(frame.text("text")).contains("city  people").isEqualTo(frame.text("text/plain"));
    assertThat(run.types())
        .containsExactly("init", "execution_count", "result", "execution_complete");
  }

  @Test
  void latexSvgAndJsonKeepTheirTypes() {
    Execution run =
        python(
            """
            from IPython.display import JSON, Latex, SVG, display
            display(Latex('$x^2$'))
            display(SVG('<svg xmlns="http://www.w3.org/2000/svg"></svg>'))
            JSON({'a': [1, None]})\
            """);

    List<Json> results = Interpreter.results(run);
    assertThat(results.get(0).text("text/latex")).isEqualTo("$x^2$");
    assertThat(results.get(1).text("image/svg+xml")).startsWith("<svg");
    assertThat(results.get(2).text("application/json")).isEqualTo("{\"a\":[1,null]}");
  }

  @Test
  void inputIsAnErrorThatSaysWhy() {
    Execution run = python("input('name? ')");

    Json error = run.error().orElseThrow();
    assertThat(error.text("ename")).isEqualTo("StdinNotImplementedError");
    assertThat(error.text("evalue")).contains("does not support input requests");
    assertThat(run.types()).containsExactly("init", "error");
  }

  @Test
  void anErrorHasItsTraceback_andTheCountGoesOn() {
    String context = interpreter().context("python");

    Execution failed = interpreter().run(context, "python", "def f():\n  return 1/0\nf()");
    Execution next = interpreter().run(context, "python", "7 * 6");

    assertThat(failed.error().orElseThrow().text("ename")).isEqualTo("ZeroDivisionError");
    assertThat(failed.events().toString()).contains("traceback", "division by zero");
    assertThat(next.events().toString()).contains("execution_count");
    assertThat(Interpreter.results(next).getFirst().text("text")).isEqualTo("42");
  }

  @Test
  void aHundredMegabytesAreCutWithANotice_andTheKernelLives() {
    String context = interpreter().context("python");

    Execution flood =
        interpreter().run(context, "python", "for _ in range(100):\n  print('x' * 1_000_000)");
    Execution next = interpreter().run(context, "python", "print('alive')");

    assertThat(String.join("", flood.stderr())).contains("[execd] output of this run is cut");
    assertThat(flood.types()).endsWith("execution_complete");
    assertThat(Interpreter.output(flood)).startsWith("xxx").hasSizeLessThan(20_000_000);
    assertThat(Interpreter.output(next)).isEqualTo("alive\n");
  }

  @Test
  void aKernelKilledInMidCellIsAnError_andTheNextRunWorks() throws Exception {
    String context = interpreter().context("python");
    var started = new CountDownLatch(1);
    var pid = new AtomicReference<>("");
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Execution> run =
          tasks.submit(() ->
              interpreter()
                  .run(
                      context,
                      "python",
                      "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)",
                      event -> {
                        if (event.text("type").equals("stdout")) {
                          pid.set(event.text("text").strip());
                          started.countDown();
                        }
                      }));
      assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
      interpreter().execd().linesOf("kill -9 " + pid.get());

      Execution killed = run.get(60, TimeUnit.SECONDS);
      assertThat(killed.error().orElseThrow().text("evalue")).isEqualTo(deathReason());
    }
    assertThat(Interpreter.output(interpreter().run(context, "python", "print('again')")))
        .isEqualTo("again\n");
  }

  @Test
  void twentyContextsAtOnceMixNothing() throws Exception {
    var jobs = new ArrayList<Callable<String>>();
    for (int i = 0; i < 20; i++) {
      String context = interpreter().context("python");
      String mark = "context-" + i;
      String code = "for n in range(200): print('" + mark + "', n, flush=True)";
      jobs.add(() ->
          Interpreter.output(interpreter().run(context, "python", code))
              .replaceAll(mark + " \\d+\n", ""));
    }

    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<String> rest : tasks.invokeAll(jobs)) {
        assertThat(rest.get()).isEmpty();
      }
    }
    interpreter().execd().http().send("DELETE", "/code/contexts?language=python").expect(200);
  }

  @Test
  void aThousandRunsLeaveNothingBehindInExecd() {
    String context = interpreter().context("python");
    runTimes(context, 200);
    long before = openFilesOfExecd();

    runTimes(context, 1000);

    assertThat(openFilesOfExecd()).isLessThanOrEqualTo(before + 8);
  }

  private void runTimes(String context, int times) {
    for (int i = 0; i < times; i++) {
      assertThat(Interpreter.results(interpreter().run(context, "python", "1+1"))).hasSize(1);
    }
  }

  private long openFilesOfExecd() {
    return Long.parseLong(
        interpreter()
            .execd()
            .linesOf("ls /proc/$(pgrep -of execd.broker)/fd | wc -l")
            .getFirst()
            .strip());
  }

  private Execution python(String code) {
    return interpreter().run(interpreter().context("python"), "python", code);
  }
}
