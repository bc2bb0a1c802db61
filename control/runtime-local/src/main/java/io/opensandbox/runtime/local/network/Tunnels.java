package io.opensandbox.runtime.local.network;

import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Networks of an ordinary user: a namespace and `pasta`, which carries what leaves it to sockets
/// of that user, and lets the host in at two ports of a loopback address of the sandbox's own.
///
/// Sandboxes reach neither each other nor the host: pasta maps nothing to the host's loopback
/// (`--no-map-gw`), and rules in the namespace, which a sandbox lacks the capability to change,
/// drop what goes to the host's other addresses.
public final class Tunnels implements Wiring {
  private static final int FIRST_BLOCK = 64;
  private static final int BLOCKS = 128;
  private static final int EXECD_PORT = 44772;
  private static final Pattern ADDRESS = Pattern.compile("\\binet ([\\d.]+)");
  private static final String MAKE =
      """
      touch "$1" &&
      unshare --net="$1" sh -c 'ip link set lo up && exec nft -f -' &&
      exec pasta --quiet --config-net --ipv4-only --no-map-gw -t "$2/44772:44772,8080:8080" \
        -u none -T none -U none --netns "$1" --pid "$1.pid" </dev/null
      """;
  private static final String TAKE_DOWN =
      """
      if read -r pid <"$1.pid"; then
        case $(cat "/proc/$pid/comm") in pasta* | passt*) kill "$pid" ;; esac
      fi
      umount --lazy "$1"
      rm -f "$1" "$1.pid"
      """;

  private final Path namespaces;
  private final String prefix;
  private final int block;
  private final Runner runner;

  /// @param namespaces directory for the namespaces, made when it is not there
  /// @param prefix begins the name of everything made here
  public Tunnels(Path namespaces, String prefix, Runner runner) {
    this.namespaces = namespaces;
    this.prefix = prefix;
    this.runner = runner;
    try {
      Files.createDirectories(namespaces);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + namespaces, e);
    }
    this.block = block(namespaces.resolveSibling("networks.block"), prefix);
  }

  /// The second byte of the loopback addresses: the one of an earlier run, or one that nobody else
  /// seems to use.
  private static int block(Path file, String prefix) {
    try {
      if (Files.exists(file)) {
        return Integer.parseInt(Files.readString(file).strip());
      }
      int start = Math.floorMod(prefix.hashCode(), BLOCKS);
      int chosen =
          IntStream.range(0, BLOCKS)
              .map(i -> FIRST_BLOCK + (start + i) % BLOCKS)
              .filter(Tunnels::isFree)
              .findFirst()
              .orElseThrow(() ->
                  new IllegalStateException("no free network between 127.64.0.0 and 127.191.0.0"));
      Files.writeString(file, chosen + "\n");
      return chosen;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot use " + file, e);
    }
  }

  private static boolean isFree(int block) {
    for (int last : new int[] {2, 6, 10}) {
      try (ServerSocket socket = new ServerSocket()) {
        socket.bind(new InetSocketAddress("127." + block + ".0." + last, EXECD_PORT));
      } catch (IOException e) {
        return false;
      }
    }
    return true;
  }

  /// Makes a network and takes it down again.
  ///
  /// @throws Runner.RunFailure with the reason when this host does not let us
  public void tryOut() {
    Slot slot = slot(Slot.MAX);
    try {
      make(slot, command -> command);
    } finally {
      takeDown(slot);
    }
  }

  @Override
  public Path namespaces() {
    return namespaces;
  }

  @Override
  public Slot slot(int number) {
    return new Slot(number, prefix, "127." + block, namespaces);
  }

  @Override
  public boolean takesEveryConnection() {
    return true;
  }

  @Override
  public void make(Slot slot, UnaryOperator<Runner.Command> priority) {
    runner.check(
        priority
            .apply(
                Runner.Command.of("sh", "-c", MAKE, "sh", slot.path().toString(), slot.address()))
            .withInput(rules(hostAddresses())));
  }

  private List<String> hostAddresses() {
    Matcher found = ADDRESS.matcher(runner.text("ip", "-o", "-4", "addr", "show"));
    List<String> addresses = new ArrayList<>();
    while (found.find()) {
      addresses.add(found.group(1));
    }
    return addresses;
  }

  /// What a sandbox may send. Its own address is one of the host's and on its own loopback.
  static String rules(List<String> hostAddresses) {
    List<String> closed =
        new ArrayList<>(List.of("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"));
    hostAddresses.stream().filter(one -> !one.startsWith("127.")).forEach(closed::add);
    return """
    table inet opensandbox {
      chain out {
        type filter hook output priority filter; policy accept;
        oifname "lo" accept
        meta nfproto ipv6 drop
        ip daddr { %s } drop
      }
    }
    """
        .formatted(String.join(", ", closed));
  }

  @Override
  public void takeDown(Slot slot) {
    // Parts of it may be gone already. Lazily, since pasta, which ends a little later, holds it
    // too.
    runner.run(Runner.Command.of("sh", "-c", TAKE_DOWN, "sh", slot.path().toString()).behind());
  }
}
