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
    var ready = new Samples();
    for (int i = 0; i < target.times(10); i++) {
      List<Result> _ =
          LocalServer.measure(
              target,
              (server, _) -> {
                ready.add(server.ready());
                return List.of();
              });
    }
    return ready.count() == 0 ? List.of() : List.of(Result.of("server-ready", ready));
  }
}
