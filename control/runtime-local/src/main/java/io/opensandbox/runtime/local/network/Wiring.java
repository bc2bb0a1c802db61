package io.opensandbox.runtime.local.network;

import io.opensandbox.runtime.local.process.Runner;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;

/// How a sandbox's network is made and taken away again.
public sealed interface Wiring extends AutoCloseable permits Cables, Tunnels {
  /// Where no sandbox may send, whatever the host can: to the host itself, to link-local addresses,
  /// at which clouds give out their metadata and keys, nor where another cloud does (Alibaba's
  /// `100.100.100.200`).
  List<String> CLOSED =
      List.of("0.0.0.0/8", "100.100.100.200", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3");

  /// The directory whose entries are our network namespaces.
  Path namespaces();

  /// The network with this number, whether it is there or not.
  Slot slot(int number);

  /// Whether a connection to a port on which nobody in the sandbox listens is taken, and then
  /// dropped, rather than refused.
  boolean takesEveryConnection();

  /// Makes a network.
  ///
  /// @param priority of the commands that do it, unless what carries its traffic would have it, too
  /// @throws Runner.RunFailure when it cannot be made; what was made of it stays
  void make(Slot slot, UnaryOperator<Runner.Command> priority);

  /// Takes a network, or what there is of it, down.
  void takeDown(Slot slot);

  /// Lets go of the addresses. Sandboxes that run there keep theirs.
  @Override
  void close();
}
