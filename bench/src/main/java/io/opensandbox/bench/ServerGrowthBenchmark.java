package io.opensandbox.bench;

import java.util.List;

/// What a lifecycle server has grown by after many creates and deletes.
final class ServerGrowthBenchmark implements Benchmark {
  @Override
  public String name() {
    return "server-growth";
  }

  @Override
  public List<Result> run(Target target) {
    return LocalServer.measure(target, (server, engine) -> measure(target, server, engine));
  }

  private static List<Result> measure(Target target, LocalServer server, StubEngine engine) {
    var api = server.api();
    // The heap takes what it may before it is tidied up: what counts comes after that.
    Clients.work(target.quick() ? 20 : 3000, () -> api.delete(Clients.create(api)));
    double before = server.rssMib();
    var samples = new Samples();
    Clients.work(
        target.quick() ? 40 : 10_000, () -> samples.measure(() -> api.delete(Clients.create(api))));
    return List.of(
        Result.of("create-delete", samples)
            .with("rss_before_mib", before)
            .with("rss_after_mib", server.rssMib())
            .with("left", engine.containers()));
  }
}
