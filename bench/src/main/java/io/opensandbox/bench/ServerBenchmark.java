package io.opensandbox.bench;

import java.util.List;

/// Get and list of the lifecycle API with what the server holds at the moment.
final class ServerBenchmark implements Benchmark {
  @Override
  public String name() {
    return "server";
  }

  @Override
  public List<Result> run(Target target) {
    try (var box = target.open()) {
      var get = new Samples();
      var list = new Samples();
      for (int i = 0; i < target.times(500); i++) {
        get.measure(() -> target.server().get(box.id()));
        list.measure(() -> target.server().list("?pageSize=200"));
      }
      var total = target.server().list("").at("pagination").number("totalItems");
      return List.of(
          Result.of("get", get), Result.of("list", list).with("sandboxes", (double) total));
    }
  }
}
