package io.opensandbox.runtime.escape;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/// A machine behind this host, in a network of its own: whom the host reaches and forwards for. At
/// its port 80 it tells who asks, at port 53 every name is its own. Gone when closed.
public final class OutsideService implements AutoCloseable {
  /// Where it listens.
  public static final int PORT = 80;

  private static final Path USERS = Path.of("/proc/self/uid_map");
  private static final String EVERYBODY = "0 0 4294967295";
  private static final long SECONDS = 60;

  /// Made from inside, so that the cable goes with the network, and the network with its last
  /// process. That takes a moment: no two have the same name or addresses.
  private static final String NETWORK =
      """
      exec unshare --net sh -c '
        ip link add inside type veth peer name "$1" netns "$PPID" &&
        nsenter --target "$PPID" --net ip address add "$2/30" dev "$1" &&
        nsenter --target "$PPID" --net ip link set "$1" up &&
        ip address add "$3/30" dev inside && ip link set inside up && ip link set lo up &&
        ip route add default via "$2" &&
        exec python3 -c "$4" "$3"' sh "$1" "$2" "$3" "$4"
      """;

  private static final String SERVER =
      """
      import socket, sys, threading
      address = sys.argv[1]
      def names():
          while True:
              query, sender = dns.recvfrom(512)
              end = query.index(0, 12) + 5
              found = query[end - 4:end] == bytes([0, 1, 0, 1])
              answer = query[:2] + bytes([0x81, 0x80, 0, 1, 0, found, 0, 0, 0, 0]) + query[12:end]
              if found:
                  answer += bytes([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]) + socket.inet_aton(address)
              dns.sendto(answer, sender)
      dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      dns.bind((address, 53))
      threading.Thread(target=names, daemon=True).start()
      listening = socket.create_server((address, 80))
      while True:
          try:
              connection, peer = listening.accept()
              with connection:
                  connection.sendall((peer[0] + "\\n").encode())
          except OSError:
              pass  # whoever asked has gone
      """;

  private final Optional<Process> process;
  private final Optional<String> address;

  private OutsideService(Optional<Process> process, Optional<String> address) {
    this.process = process;
    this.address = address;
  }

  /// One at a link-local address, as a cloud's metadata are.
  public static OutsideService linkLocal() throws IOException {
    // Never the network that clouds use.
    return open(Kind.LINK_LOCAL, "169.254." + ThreadLocalRandom.current().nextInt(16, 116));
  }

  /// One where anybody may go.
  public static OutsideService open() throws IOException {
    // For tests of networks (RFC 2544), and routed nowhere.
    return open(Kind.ANYWHERE, "198.18." + ThreadLocalRandom.current().nextInt(256));
  }

  private enum Kind {
    LINK_LOCAL("opensandbox.link-local"),
    ANYWHERE("opensandbox.outside");

    /// The address of one that a parent process holds for its children that may not make one.
    private final String property;

    Kind(String property) {
      this.property = property;
    }
  }

  /// The arguments by which a child process finds what this one has made.
  ///
  /// @param linkLocal see [#linkLocal]
  /// @param anywhere see [#open()]
  public static String[] handedOn(OutsideService linkLocal, OutsideService anywhere) {
    return new String[] {
      "-D" + Kind.LINK_LOCAL.property + "=" + linkLocal.address().orElseThrow(),
      "-D" + Kind.ANYWHERE.property + "=" + anywhere.address().orElseThrow()
    };
  }

  /// The one that is handed on, else a new one, which answered; without an address for those who
  /// may make none.
  private static OutsideService open(Kind kind, String network) throws IOException {
    Optional<String> given = Optional.ofNullable(System.getProperty(kind.property));
    if (given.isPresent() || !isRoot()) {
      return new OutsideService(Optional.empty(), given);
    }
    ThreadLocalRandom random = ThreadLocalRandom.current();
    int first = 4 * random.nextInt(64);
    String host = network + "." + (first + 1);
    String outside = network + "." + (first + 2);
    String cable = "osb%08x".formatted(random.nextInt());
    Process process =
        new ProcessBuilder("sh", "-c", NETWORK, "sh", cable, host, outside, SERVER)
            .redirectErrorStream(true)
            .start();
    OutsideService made = new OutsideService(Optional.of(process), Optional.of(outside));
    made.awaitListening(process);
    return made;
  }

  private static boolean isRoot() throws IOException {
    return Files.isWritable(Path.of("/proc/sys/kernel/hostname"))
        && Files.readString(USERS).strip().replaceAll("\\s+", " ").equals(EVERYBODY);
  }

  private void awaitListening(Process process) throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (System.nanoTime() < deadline) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(address.orElseThrow(), PORT), 1000);
        return;
      } catch (IOException _) { // not yet
        try {
          if (process.waitFor(20, TimeUnit.MILLISECONDS)) {
            break;
          }
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          break;
        }
      }
    }
    process.destroy();
    throw new IOException(
        "nothing outside: "
            + new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
  }

  /// Where it listens, if it does.
  public Optional<String> address() {
    return address;
  }

  @Override
  public void close() {
    process.ifPresent(one -> one.destroyForcibly().onExit().join());
  }
}
