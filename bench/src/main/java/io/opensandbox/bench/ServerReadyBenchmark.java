package io.opensandbox.bench;

import java.util.List;

/// From the start of a lifecycle server's process to the moment when it says that it is ready.
final class ServerReadyBenchmark implements Benchmark {
  @Override
  public String name() {
    return "server-ready";
  }

  @Override
  public List<Result> run(Target target) {
    if (target.lifecycleServer().isEmpty()) {
      return List.of();
    }
    var ready = new Samples();
    for (int i = 0; i < target.times(10); i++) {
      try (var engine = new StubEngine();
          var server = LocalServer.start(target.lifecycleServer().get(), engine)) {
        ready.add(server.ready());
      }
    }
    return List.of(Result.of("server-ready", ready));
  }
}
