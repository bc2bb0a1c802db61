package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Execution;
import io.opensandbox.e2e.wire.Json;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/// Python contexts in an image with a kernel (`--image`): started cold and from the reserve, the
/// round trip of `1+1`, how soon a killed kernel is reported, and the memory of a sandbox with one
/// context, with the image's Jupyter server and without.
final class CodeBenchmark implements Benchmark {
  private static final String ENTRYPOINT = "/opt/code-interpreter/code-interpreter.sh";
  private static final String MEMORY =
      "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ { sum += $2 } END { print sum }'";

  @Override
  public String name() {
    return "code";
  }

  @Override
  public boolean isOnDemand() {
    return true;
  }

  @Override
  public List<Result> run(Target target) {
    var results = new ArrayList<Result>();
    var cold = new Samples();
    try (var box = open(target, Map.of("JUPYTER_HOST", ""))) {
      for (int i = 0; i < target.times(20); i++) {
        cold.measure(() -> delete(box, create(box)));
      }
      results.add(Result.of("code-create-cold", cold));
      results.add(roundTrips(target, box));
      results.add(deaths(target, box));
    }
    results.add(warm(target, cold.percentile(50).orElse(Duration.ofSeconds(2))));
    var without = memory(target, Map.of("JUPYTER_HOST", ""));
    var with = memory(target, Map.of());
    results.add(
        Result.of("code-memory", "direct_mib", without)
            .with("jupyter_mib", with)
            .with("saved_mib", with - without));
    return results;
  }

  private static Result roundTrips(Target target, Target.Box box) {
    var samples = new Samples();
    var context = create(box);
    for (int i = 0; i < target.times(100); i++) {
      runOne(box, context); // warm-up
    }
    for (int i = 0; i < target.times(1000); i++) {
      samples.measure(() -> runOne(box, context));
    }
    delete(box, context);
    return Result.of("code-run", samples);
  }

  /// From the signal to the error event; the signal is sent by the sandbox's shell.
  private static Result deaths(Target target, Target.Box box) {
    var samples = new Samples();
    for (int i = 0; i < target.times(20); i++) {
      var context = create(box);
      var killed = new long[1];
      var killer = new ArrayList<Thread>();
      var execution =
          run(
              box,
              context,
              "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)",
              event -> {
                if (event.text("type").equals("stdout")) {
                  var pid = event.text("text").strip();
                  killed[0] = System.nanoTime();
                  killer.add(Thread.ofVirtual().start(() -> box.execd().run("kill -9 " + pid)));
                }
              });
      var took = Duration.ofNanos(System.nanoTime() - killed[0]);
      if (execution.error().isPresent() && killed[0] != 0) {
        samples.add(took);
      } else {
        samples.fail();
      }
      killer.forEach(CodeBenchmark::join);
      delete(box, context);
    }
    return Result.of("code-kernel-death", samples);
  }

  /// Between two samples the reserve gets three times the time that a kernel needs to start.
  private static Result warm(Target target, Duration start) {
    var samples = new Samples();
    try (var box = open(target, Map.of("JUPYTER_HOST", "", "EXECD_WARM_KERNEL", "python"))) {
      delete(box, create(box)); // the first start of all, and the first request
      for (int i = 0; i < target.times(20); i++) {
        LockSupport.parkNanos(3 * start.toNanos());
        var context = new String[1];
        samples.measure(() -> context[0] = create(box));
        if (context[0] != null) {
          delete(box, context[0]);
        }
      }
    }
    return Result.of("code-create-warm", samples);
  }

  /// The proportional memory of all processes of a sandbox with one context that has run something.
  private static double memory(Target target, Map<String, String> env) {
    try (var box = open(target, env)) {
      runOne(box, create(box));
      return Long.parseLong(box.execd().linesOf(MEMORY).getFirst().strip()) / 1024.0;
    }
  }

  private static Target.Box open(Target target, Map<String, String> env) {
    var request = target.request();
    request.put("entrypoint", List.of(ENTRYPOINT));
    request.put("env", env);
    var box = target.open(request);
    if (env.containsKey("JUPYTER_HOST")) {
      // The image's script is done when it sleeps.
      Deadline.in(Commands.PATIENCE)
          .await(() -> box.execd().run("pgrep -x sleep").exitCode() == 0, "the image starts");
    }
    return box;
  }

  private static String create(Target.Box box) {
    return box.execd()
        .http()
        .sendJson("POST", "/code/context", Map.of("language", "python"))
        .expect(200)
        .json()
        .text("id");
  }

  private static void delete(Target.Box box, String context) {
    box.execd().http().send("DELETE", "/code/contexts/" + context).expect(200);
  }

  private static void runOne(Target.Box box, String context) {
    var types = run(box, context, "1+1", _ -> {}).types();
    if (!types.contains("result")) {
      throw new IllegalStateException("1+1 gave " + types);
    }
  }

  private static Execution run(
      Target.Box box, String context, String code, Consumer<Json> onEvent) {
    var where = Map.of("id", context, "language", "python");
    return box.execd().stream("/code", Map.of("code", code, "context", where), onEvent);
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }
}
