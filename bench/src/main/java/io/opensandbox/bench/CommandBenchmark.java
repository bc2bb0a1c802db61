package io.opensandbox.bench;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

/// Round trip of a command that does nothing, one at a time and 32 at a time.
final class CommandBenchmark implements Benchmark {
  private static final int AT_ONCE = 32;

  @Override
  public String name() {
    return "command";
  }

  @Override
  public List<Result> run(Target target) {
    try (var box = target.open()) {
      var alone = new Samples();
      for (int i = 0; i < target.times(100); i++) {
        Commands.runTrue(box.execd()); // warm-up: the JVM compiles what it runs often
      }
      for (int i = 0; i < target.times(1000); i++) {
        alone.measure(() -> Commands.runTrue(box.execd()));
      }
      return List.of(Result.of("run-true", alone), atOnce(target, box));
    }
  }

  private static Result atOnce(Target target, Target.Box box) {
    var samples = new Samples();
    var slots = new Semaphore(AT_ONCE);
    var start = System.nanoTime();
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < target.times(3000); i++) {
        slots.acquireUninterruptibly();
        var _ =
            tasks.submit(() -> {
              samples.measure(() -> Commands.runTrue(box.execd()));
              slots.release();
            });
      }
    }
    var seconds = Duration.ofNanos(System.nanoTime() - start).toNanos() / 1e9;
    return Result.of("run-true-at-32", samples)
        .with("per_s", (samples.count() - samples.failures()) / seconds);
  }
}
