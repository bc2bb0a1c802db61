package io.opensandbox.runtime.local.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.local.process.Runner;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TunnelsTest {
  @Test
  void rules_closeTheHostsAddressesAndLinkLocalOnes() {
    String rules = Tunnels.rules(List.of("127.0.0.1", "192.0.2.2", "172.17.0.1"));

    assertThat(rules)
        .contains("100.100.100.200, ")
        .contains("169.254.0.0/16")
        .contains("127.0.0.0/8, ")
        .contains("192.0.2.2, 172.17.0.1")
        .doesNotContain("127.0.0.1,");
  }

  @Test
  void blocks_areThoseWhereSomebodyListens() {
    assertThat(
            Listening.blocks(
                List.of(
                    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt",
                    "   0: 0200407F:AEE4 00000000:0000 0A 00000000:00000000 00:00000000 00000000",
                    "   1: 0200417F:AEE4 0100007F:9C40 01 00000000:00000000 00:00000000 00000000",
                    "  12: 0100420A:AEE4 00000000:0000 0A 00000000:00000000 00:00000000 00000000",
                    "  13: 3200BF7F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000")))
        .containsExactlyInAnyOrder(64, 191);
  }

  @Test
  void serversOfOneMachine_getDifferentAddresses(@TempDir Path folder) {
    Runner nobody =
        command -> {
          throw new Runner.RunFailure("nothing is run here: " + command);
        };
    try (Tunnels one = new Tunnels(folder.resolve("one/networks"), "oslsame", nobody);
        Tunnels two = new Tunnels(folder.resolve("two/networks"), "oslsame", nobody)) {
      assertThat(one.slot(0).address()).isNotEqualTo(two.slot(0).address());
    }
  }

  @Test
  void serverThatStartsAgain_keepsItsAddresses_unlessSomebodyTookThemWhileItHadNoSandbox(
      @TempDir Path folder) throws Exception {
    Runner nobody =
        command -> {
          throw new Runner.RunFailure("nothing is run here: " + command);
        };
    Path own = folder.resolve("own/networks");
    String before;
    try (Tunnels first = new Tunnels(own, "osltest", nobody)) {
      before = first.slot(0).address();
    }
    try (Tunnels again = new Tunnels(own, "osltest", nobody)) {
      assertThat(again.slot(0).address()).isEqualTo(before);

      try (Tunnels late = new Tunnels(own, "osltest", nobody)) {
        assertThat(late.slot(0).address()).isNotEqualTo(before);
      }
    }
  }
}
