package io.opensandbox.runtime.local.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.local.process.Runner;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FirewallTest {
  /// Remembers what was run; `iptables -C` finds nothing.
  private static final class FakeRunner implements Runner {
    private final List<String> commands = new ArrayList<>();
    private final String policy;

    private FakeRunner(String policy) {
      this.policy = policy;
    }

    @Override
    public Output run(Command command) {
      String line = String.join(" ", command.argv());
      commands.add(line);
      return new Output(line.contains(" -C ") ? 1 : 0, "-P FORWARD " + policy + "\n", "");
    }
  }

  @Test
  void forwarding_isExceptedOnlyWhereItIsDropped() {
    FakeRunner dropping = new FakeRunner("DROP");
    FakeRunner accepting = new FakeRunner("ACCEPT");

    new Firewall("oslabcdef", 203, dropping).raise();
    new Firewall("oslabcdef", 203, accepting).raise();

    assertThat(dropping.commands).contains("iptables -w 5 -I FORWARD -i oslabcdef.+ -j ACCEPT");
    assertThat(accepting.commands).noneMatch(line -> line.contains(" -I "));
  }

  @Test
  void rules_areInATableOfTheirOwn() {
    assertThat(new Firewall("oslabcdef", 203, new FakeRunner("DROP")).rules())
        .contains("table inet oslabcdef", "ip saddr 10.203.0.0/16")
        .contains("ip daddr { 0.0.0.0/8, 100.100.100.200, 127.0.0.0/8, 169.254.0.0/16, 224");
  }

  @Test
  void slots_haveDistinctAddresses() {
    assertThat(new Slot(0, "osl", 201).address()).isEqualTo("10.201.0.2");
    assertThat(new Slot(64, "osl", 201).gateway()).isEqualTo("10.201.1.1");
    assertThat(new Slot(Slot.MAX, "osl", 201).address()).isEqualTo("10.201.255.254");
  }
}
