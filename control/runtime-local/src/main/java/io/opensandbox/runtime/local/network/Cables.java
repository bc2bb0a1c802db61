package io.opensandbox.runtime.local.network;

import io.opensandbox.runtime.local.process.Runner;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/// Networks of root: a namespace and a cable (veth) to the host, which routes and translates.
public final class Cables implements Wiring {
  private final String prefix;
  private final Subnets.Subnet subnet;
  private final int mtu;
  private final Path launcher;
  private final Runner runner;

  /// @param prefix begins the name of everything made here, at most 9 characters
  /// @param subnet has the addresses; closed with this
  /// @param launcher execd, whose `network` makes them
  public Cables(String prefix, Subnets.Subnet subnet, int mtu, Path launcher, Runner runner) {
    this.prefix = prefix;
    this.subnet = subnet;
    this.mtu = mtu;
    this.launcher = launcher;
    this.runner = runner;
  }

  @Override
  public Path namespaces() {
    return Slot.NAMESPACES;
  }

  @Override
  public Slot slot(int number) {
    return new Slot(number, prefix, subnet.number());
  }

  @Override
  public boolean takesEveryConnection() {
    return false;
  }

  @Override
  public void make(Slot slot, UnaryOperator<Runner.Command> priority) {
    runner.check(
        priority.apply(
            Runner.Command.of(
                launcher.toString(),
                "network",
                Long.toString(ProcessHandle.current().pid()),
                slot.path().toString(),
                slot.cable(),
                Integer.toString(mtu),
                slot.gateway(),
                slot.address())));
  }

  @Override
  public void takeDown(Slot slot) {
    if (Files.exists(slot.path())) {
      // Its standard input says which network is meant: what is still at it when this server has
      // been killed leaves alone what the next one calls by that name.
      runner.run(
          Runner.Command.of(launcher.toString(), "network", "remove", slot.path().toString())
              .behind()
              .withInput(slot.path()));
    }
  }

  @Override
  public void close() {
    subnet.close();
  }
}
