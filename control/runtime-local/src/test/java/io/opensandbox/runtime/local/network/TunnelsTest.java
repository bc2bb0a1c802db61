package io.opensandbox.runtime.local.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TunnelsTest {
  @Test
  void rules_closeTheHostsAddressesAndLinkLocalOnes() {
    String rules = Tunnels.rules(List.of("127.0.0.1", "192.0.2.2", "172.17.0.1"));

    assertThat(rules)
        .contains("169.254.0.0/16")
        .contains("127.0.0.0/8, ")
        .contains("192.0.2.2, 172.17.0.1")
        .doesNotContain("127.0.0.1,");
  }
}
