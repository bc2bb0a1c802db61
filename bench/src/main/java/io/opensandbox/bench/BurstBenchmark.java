package io.opensandbox.bench;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;

/// Many creates at once, each measured to the end of its first command.
final class BurstBenchmark implements Benchmark {
  private final int sandboxes;

  BurstBenchmark(int sandboxes) {
    this.sandboxes = sandboxes;
  }

  @Override
  public String name() {
    return "burst-" + sandboxes;
  }

  @Override
  public List<Result> run(Target target) {
    var samples = new Samples();
    var ids = new ConcurrentLinkedQueue<String>();
    var start = System.nanoTime();
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < (target.quick() ? 3 : sandboxes); i++) {
        var _ = tasks.submit(() -> samples.measure(() -> createAndRun(target, ids)));
      }
    }
    var seconds = (System.nanoTime() - start) / 1e9;
    ids.forEach(target.server()::delete);
    return List.of(Result.of(name(), samples).with("wall_s", seconds));
  }

  private static void createAndRun(Target target, ConcurrentLinkedQueue<String> ids) {
    var id = target.server().create(target.request()).text("id");
    ids.add(id);
    Commands.runTrue(target.server().execd(id, Commands.PATIENCE));
  }
}
