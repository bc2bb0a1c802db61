package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EngineSpansTest {
  @ParameterizedTest
  @CsvSource({
    "/v1.41/containers/create, /containers/create",
    "/v1.41/containers/json, /containers/json",
    "/v1.41/containers/sandbox-1/json, /containers/{name}/json",
    "/v1.41/containers/sandbox-1/start, /containers/{name}/start",
    "/v1.41/containers/sandbox-1, /containers/{name}",
    "/v1.41/images/registry.test/a/b:c/json, /images/{name}/json",
    "/v1.41/images/create, /images/create",
    "/v1.41/volumes/data, /volumes/{name}",
    "/v1.41/networks/agents, /networks/{name}",
    "/v1.41/commit, /commit",
    "/_ping, /_ping",
    "/version, /version"
  })
  void callsOfOneKindHaveOneName(String path, String name) {
    assertThat(EngineSpans.template(path)).isEqualTo(name);
  }
}
