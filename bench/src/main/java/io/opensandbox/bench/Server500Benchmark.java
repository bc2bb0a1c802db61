package io.opensandbox.bench;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Get and list with many sandboxes on an engine that costs nothing, with the calls of the engine
/// that they cause, and the memory of the server's process.
final class Server500Benchmark implements Benchmark {
  private static final int SANDBOXES = 500;

  @Override
  public String name() {
    return "server-500";
  }

  @Override
  public List<Result> run(Target target) {
    return LocalServer.measure(target, (server, engine) -> measure(target, server, engine));
  }

  private static List<Result> measure(Target target, LocalServer server, StubEngine engine) {
    double idle = server.rssMib();
    int count = target.quick() ? 20 : SANDBOXES;
    var made = new ConcurrentLinkedQueue<String>();
    Clients.work(count, () -> made.add(Clients.create(server.api())));
    var ids = List.copyOf(made);
    sample(target, server, ids, new Samples(), new Samples()); // warm-up
    var get = new Samples();
    var list = new Samples();
    long before = engine.calls();
    sample(target, server, ids, get, list);
    double calls = engine.calls() - before;
    return List.of(
        Result.of("get-of-500", get).with("engine_calls", calls),
        Result.of("list-of-500", list).with("engine_calls", calls),
        Result.of("server-rss", "idle_mib", idle).with("with_500_mib", server.rssMib()));
  }

  private static void sample(
      Target target, LocalServer server, List<String> ids, Samples get, Samples list) {
    for (int i = 0; i < target.times(1000); i++) {
      var id = ids.get(i % ids.size());
      get.measure(() -> server.api().get(id));
      list.measure(() -> server.api().list("?pageSize=200"));
    }
  }
}
