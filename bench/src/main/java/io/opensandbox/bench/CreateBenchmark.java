package io.opensandbox.bench;

import java.util.ArrayList;
import java.util.List;

/// From the create request to the end of the first command, beside the bare engine's create and
/// start of the same image, taken alternately.
final class CreateBenchmark implements Benchmark {
  @Override
  public String name() {
    return "create";
  }

  @Override
  public List<Result> run(Target target) {
    var bare = new Samples();
    var answered = new Samples();
    var whole = new Samples();
    sandbox(
        target, new Samples(), new Samples()); // brings the image, if the runtime has to unpack it
    for (int i = 0; i < target.times(30); i++) {
      target.engine().ifPresent(engine -> bare(engine, target.image(), bare));
      sandbox(target, answered, whole);
    }
    var results = new ArrayList<Result>();
    results.add(Result.of("create-answered", answered));
    results.add(Result.of("create-to-first-command", whole));
    if (target.engine().isPresent()) {
      results.add(Result.of("engine-create-start", bare));
      results.add(Result.difference("create-over-engine", results.get(1), results.getLast()));
    }
    return results;
  }

  private static void bare(Engine engine, String image, Samples samples) {
    var ids = new ArrayList<String>();
    samples.measure(() -> ids.add(engine.createAndStart(image)));
    ids.forEach(engine::remove);
  }

  private static void sandbox(Target target, Samples answered, Samples whole) {
    var ids = new ArrayList<String>();
    whole.measure(() -> {
      answered.measure(() -> ids.add(target.server().create(target.request()).text("id")));
      if (ids.isEmpty()) {
        throw new IllegalStateException("the create request failed");
      }
      Commands.runTrue(target.server().execd(ids.getFirst(), Commands.PATIENCE));
    });
    ids.forEach(target.server()::delete);
  }
}
