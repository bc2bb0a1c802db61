package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Http;
import io.opensandbox.e2e.wire.Server;
import java.util.List;

/// What the server's proxy adds to a request, taken alternately with direct ones.
final class ProxyBenchmark implements Benchmark {
  @Override
  public String name() {
    return "proxy";
  }

  @Override
  public List<Result> run(Target target) {
    try (var box = target.open()) {
      var direct = target.server().portOf(box.id(), Server.EXECD_PORT, false);
      var proxied = target.server().portOf(box.id(), Server.EXECD_PORT, true);
      var directly = new Samples();
      var throughServer = new Samples();
      for (int i = 0; i < target.times(500); i++) { // warm-up
        ping(direct);
        ping(proxied);
      }
      for (int i = 0; i < target.times(2000); i++) {
        directly.measure(() -> ping(direct));
        throughServer.measure(() -> ping(proxied));
      }
      var less = Result.of("ping-direct", directly);
      var more = Result.of("ping-proxied", throughServer);
      return List.of(less, more, Result.difference("proxy-added", more, less));
    }
  }

  private static void ping(Http http) {
    http.send("GET", "/ping").expect(200);
  }
}
