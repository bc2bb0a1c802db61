package io.opensandbox.runtime.local.network;

import io.opensandbox.runtime.local.process.Runner;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/// Networks of root: a namespace and a cable (veth) to the host, which routes and translates.
public final class Cables implements Wiring {
  private final String prefix;
  private final int subnet;
  private final int mtu;
  private final Runner runner;

  /// @param prefix begins the name of everything made here, at most 9 characters
  /// @param subnet second byte of the addresses
  public Cables(String prefix, int subnet, int mtu, Runner runner) {
    this.prefix = prefix;
    this.subnet = subnet;
    this.mtu = mtu;
    this.runner = runner;
  }

  @Override
  public Path namespaces() {
    return Slot.NAMESPACES;
  }

  @Override
  public Slot slot(int number) {
    return new Slot(number, prefix, subnet);
  }

  @Override
  public boolean takesEveryConnection() {
    return false;
  }

  @Override
  public void make(Slot slot, UnaryOperator<Runner.Command> priority) {
    batch(
        priority,
        """
        netns add %1$s
        link add %2$s mtu %3$d type veth peer name eth0 mtu %3$d netns %1$s
        addr add %4$s/30 dev %2$s
        link set %2$s addrgenmode none
        link set %2$s up
        """
            .formatted(slot.namespace(), slot.cable(), mtu, slot.gateway()),
        "ip",
        "-batch",
        "-");
    batch(
        priority,
        """
        link set lo up
        link set eth0 addrgenmode none
        addr add %s/30 dev eth0
        link set eth0 up
        route add default via %s
        """
            .formatted(slot.address(), slot.gateway()),
        "ip",
        "-n",
        slot.namespace(),
        "-batch",
        "-");
  }

  private void batch(UnaryOperator<Runner.Command> priority, String lines, String... argv) {
    runner.check(priority.apply(Runner.Command.of(argv)).withInput(lines));
  }

  @Override
  public void takeDown(Slot slot) {
    // Each may be gone already; -force goes on after a line that fails.
    runner.run(
        Runner.Command.of("ip", "-force", "-batch", "-")
            .behind()
            .withInput("link del " + slot.cable() + "\nnetns del " + slot.namespace() + "\n"));
  }
}
