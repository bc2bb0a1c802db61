package io.opensandbox.runtime.docker.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class EngineAddressTest {
  @Test
  void blankMeansTheUsualSocket() {
    assertThat(EngineAddress.parse(" ", false, Optional.empty()))
        .isEqualTo(new EngineAddress.Unix(Path.of("/var/run/docker.sock")));
  }

  @Test
  void socketsAndPorts() {
    Path certificates = Path.of("/certs");

    assertThat(EngineAddress.parse("unix:///run/podman.sock", false, Optional.empty()))
        .isEqualTo(new EngineAddress.Unix(Path.of("/run/podman.sock")));
    assertThat(EngineAddress.parse("tcp://engine:1234", false, Optional.of(certificates)))
        .isEqualTo(new EngineAddress.Tcp("engine", 1234, Optional.empty()));
    assertThat(EngineAddress.parse("tcp://engine", true, Optional.of(certificates)))
        .isEqualTo(new EngineAddress.Tcp("engine", 2376, Optional.of(certificates)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ssh://host", "npipe:////./pipe/docker_engine", "engine:2375", "tcp://"})
  void anythingElse_isRefusedByName(String text) {
    assertThatThrownBy(() -> EngineAddress.parse(text, false, Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void tlsWithoutCertificates_isRefused() {
    assertThatThrownBy(() -> EngineAddress.parse("tcp://engine:2376", true, Optional.empty()))
        .hasMessageContaining("DOCKER_CERT_PATH");
  }
}
