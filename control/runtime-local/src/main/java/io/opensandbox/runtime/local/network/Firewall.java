package io.opensandbox.runtime.local.network;

import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The rules for all sandboxes of one runtime: one `nft` table of its own, so that nothing of the
/// host's other rules is touched, and two accepting rules in iptables' `FORWARD` chain where that
/// drops by default (as it does once Docker has been started).
public final class Firewall {
  private static final Path FORWARDING = Path.of("/proc/sys/net/ipv4/ip_forward");
  private static final List<String> IPTABLES = List.of("iptables", "-w", "5");

  private final String prefix;
  private final int subnet;
  private final Runner runner;

  /// Rules for the cables and namespaces that begin with `prefix`.
  public Firewall(String prefix, int subnet, Runner runner) {
    this.prefix = prefix;
    this.subnet = subnet;
    this.runner = runner;
  }

  /// Puts the rules in place, replacing those of an earlier run.
  public void raise() {
    runner.feed(rules(), "nft", "-f", "-");
    if (forwardDropsByDefault()) {
      for (List<String> rule : exceptions()) {
        if (iptables("-C", rule).exitCode() != 0) {
          Runner.Output made = iptables("-I", rule);
          if (made.exitCode() != 0) {
            throw new Runner.RunFailure("cannot let sandboxes out: " + made.stderr().strip());
          }
        }
      }
    }
    enableForwarding();
  }

  /// Removes the rules.
  public void lower() {
    runner.run(Runner.Command.of("nft", "delete", "table", "inet", prefix));
    if (hasIptables()) {
      for (List<String> rule : exceptions()) {
        if (iptables("-C", rule).exitCode() == 0) {
          iptables("-D", rule);
        }
      }
    }
  }

  String rules() {
    return """
    table inet %1$s
    delete table inet %1$s
    table inet %1$s {
      chain origin {
        type filter hook prerouting priority raw; policy accept;
        iifname "%1$s.*" meta nfproto ipv6 drop
        iifname "%1$s.*" fib saddr . iif oif missing drop
      }
      chain to_host {
        type filter hook input priority filter - 10; policy accept;
        iifname "%1$s.*" ct state established,related accept
        iifname "%1$s.*" drop
      }
      chain through {
        type filter hook forward priority filter - 10; policy accept;
        iifname "%1$s.*" oifname "osl*" drop
        iifname "%1$s.*" ip daddr { %3$s } drop
        oifname "%1$s.*" ct state established,related accept
        oifname "%1$s.*" drop
      }
      chain out {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 10.%2$d.0.0/16 oifname != "%1$s.*" masquerade
      }
    }
    """
        .formatted(prefix, subnet, String.join(", ", Wiring.CLOSED));
  }

  private List<List<String>> exceptions() {
    return List.of(
        List.of("FORWARD", "-i", prefix + ".+", "-j", "ACCEPT"),
        List.of(
            "FORWARD",
            "-o",
            prefix + ".+",
            "-m",
            "conntrack",
            "--ctstate",
            "RELATED,ESTABLISHED",
            "-j",
            "ACCEPT"));
  }

  private boolean forwardDropsByDefault() {
    return hasIptables() && iptables("-S", List.of("FORWARD")).stdout().contains("-P FORWARD DROP");
  }

  private boolean hasIptables() {
    return runner.run(Runner.Command.of("sh", "-c", "command -v iptables")).exitCode() == 0;
  }

  private Runner.Output iptables(String action, List<String> rule) {
    var argv = new java.util.ArrayList<>(IPTABLES);
    argv.add(action);
    argv.addAll(rule);
    return runner.run(Runner.Command.of(argv));
  }

  private static void enableForwarding() {
    try {
      if (!Files.readString(FORWARDING).strip().equals("1")) {
        Files.writeString(FORWARDING, "1");
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot switch on IPv4 forwarding", e);
    }
  }
}
