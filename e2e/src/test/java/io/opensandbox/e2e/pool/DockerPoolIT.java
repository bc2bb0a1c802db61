package io.opensandbox.e2e.pool;

import io.opensandbox.e2e.testbed.Docker;
import io.opensandbox.e2e.testbed.ServerProcess;
import java.nio.file.Path;
import java.util.Set;

class DockerPoolIT extends PoolTck {
  @Override
  ServerProcess start(Path state) {
    return ServerProcess.start(state);
  }

  @Override
  Set<String> onTheEngine(Path state, String pool) {
    return Set.copyOf(
        Docker.run(
            "ps",
            "--all",
            "--filter",
            "label=opensandbox.io/pool=" + pool,
            "--format",
            "{{.Label \"opensandbox.io/id\"}}"));
  }

  @Override
  void killAll(String id) {
    Docker.run(
        "kill",
        Docker.run("ps", "--quiet", "--filter", "label=opensandbox.io/id=" + id).getFirst());
  }

  /// Containers only, which are counted before the server ends.
  @Override
  Set<String> leftOnTheHost(Path state) {
    return Set.of();
  }
}
