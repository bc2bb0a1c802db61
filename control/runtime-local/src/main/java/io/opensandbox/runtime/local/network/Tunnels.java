package io.opensandbox.runtime.local.network;

import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

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

  /// Both hold the directory's lock, shared, so that the next server can wait for what a killed one
  /// had begun ([#awaitOthers]), and begin nothing when theirs is gone by then. pasta, which
  /// outlives this, does not.
  private static final String BEGIN =
      """
      exec 9<"${1%/*}" && flock --shared 9 && grep -q "^PPid:[[:space:]]*$2$" "/proc/$$/status" || exit
      """;

  private static final String MAKE =
      """
      touch "$1" &&
      unshare --net="$1" sh -c 'ip link set lo up && exec nft -f -' 9<&- &&
      pasta --quiet --config-net --ipv4-only --no-map-gw -t "$3/44772:44772,8080:8080" \
        -u none -T none -U none --netns "$1" --pid "$1.pid" </dev/null 9<&-
      """;

  /// Ends when pasta has, whose ports the next network of that number needs. One that was begun and
  /// killed before it could leave its number is known by its arguments; so is whose a number is.
  private static final String TAKE_DOWN =
      """
      pid=$(cat "$1.pid") || pid=$(cd /proc && grep -lszxF -e "$1" [0-9]*/cmdline | cut -d/ -f1)
      for one in $pid; do
        case $(cat "/proc/$one/comm") in
          pasta* | passt*) grep -qszxF -e "$1" "/proc/$one/cmdline" && kill -KILL "$one" || continue ;;
          *) continue ;;
        esac
        while grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$one/status"; do sleep 0.01; done
      done
      umount --lazy "$1"
      rm -f "$1" "$1.pid"
      """;

  private final Path namespaces;
  private final String prefix;
  private final Block block;
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
    this.block = block(namespaces, prefix);
  }

  /// Loopback addresses of one server.
  ///
  /// @param number second byte of them
  /// @param claim absent when sandboxes run there and somebody has what stands for it, who cannot
  ///   be a server
  private record Block(int number, Optional<Claim> claim) {}

  /// The one of an earlier run, for sandboxes that run keep their addresses, or one that nobody
  /// has.
  private static Block block(Path namespaces, String prefix) {
    Path file = namespaces.resolveSibling("networks.block");
    try (Stream<Path> networks = Files.list(namespaces)) {
      if (Files.exists(file)) {
        int number = Integer.parseInt(Files.readString(file).strip());
        Optional<Claim> claim = claim(number);
        if (claim.isPresent() || networks.findAny().isPresent()) {
          return new Block(number, claim);
        }
      }
      Block chosen = freeBlock(Math.floorMod(prefix.hashCode(), BLOCKS));
      Files.writeString(file, chosen.number() + "\n");
      return chosen;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot use " + file, e);
    }
  }

  private static Block freeBlock(int start) throws IOException {
    for (int i = 0; i < BLOCKS; i++) {
      int number = FIRST_BLOCK + (start + i) % BLOCKS;
      Optional<Claim> claim = claim(number);
      if (claim.isPresent()) {
        // After the claim: sandboxes may run there whose server does not.
        if (!Listening.blocks().contains(number)) {
          return new Block(number, claim);
        }
        claim.get().close();
      }
    }
    throw new IllegalStateException("no free network between 127.64.0.0 and 127.191.0.0");
  }

  private static Optional<Claim> claim(int number) {
    return Claim.of("127." + number + ".0.3", EXECD_PORT);
  }

  /// Waits until no command of an earlier server on this directory makes or takes down a network
  /// any more: what it made late would be nobody's, and what it removed late could be ours.
  ///
  /// @throws Runner.RunFailure when they do not end
  public void awaitOthers() {
    runner.text("flock", namespaces.toString(), "true");
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
    return new Slot(number, prefix, "127." + block.number(), namespaces);
  }

  @Override
  public boolean takesEveryConnection() {
    return true;
  }

  @Override
  public void make(Slot slot, UnaryOperator<Runner.Command> priority) {
    // As urgent as anything else, whoever waits: pasta keeps the priority that it begins with.
    runner.check(
        script(BEGIN + MAKE, slot.path().toString(), slot.address())
            .withInput(rules(hostAddresses())));
  }

  private static Runner.Command script(String text, String path, String... arguments) {
    List<String> command = new ArrayList<>(List.of("sh", "-c", text, "sh", path));
    command.add(Long.toString(ProcessHandle.current().pid()));
    command.addAll(List.of(arguments));
    return Runner.Command.of(command);
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
    List<String> closed = new ArrayList<>(CLOSED);
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
    // Parts of it may be gone already. Lazily, since a sandbox may hold it a little longer.
    runner.run(script(BEGIN + TAKE_DOWN, slot.path().toString()));
  }

  @Override
  public void close() {
    block.claim().ifPresent(Claim::close);
  }
}
