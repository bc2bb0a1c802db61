package io.opensandbox.runtime.escape;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// A service at a link-local address behind this host, as a cloud's metadata are: something listens
/// in a network of its own that the host, and whoever it forwards for, can reach. Gone when closed.
public final class LinkLocalService implements AutoCloseable {
  /// Property with the address of one that a parent process holds for its children that may not
  /// make one.
  public static final String ADDRESS = "opensandbox.link-local";

  /// Where it listens.
  public static final int PORT = 80;

  private static final Path USERS = Path.of("/proc/self/uid_map");
  private static final String EVERYBODY = "0 0 4294967295";
  private static final long SECONDS = 60;

  /// The network goes with its last process, and the cable with the network.
  private static final String PROGRAM =
      """
      ip link add "$1" type veth peer name inside &&
      ip address add "$2.1/30" dev "$1" && ip link set "$1" up &&
      exec unshare --net sh -c '
        nsenter --target "$PPID" --net ip link set inside netns $$ &&
        ip address add "$2.2/30" dev inside && ip link set inside up && ip link set lo up &&
        ip route add default via "$2.1" &&
        exec busybox httpd -f -p "$2.2:80" -h /proc/self/fdinfo' sh "$1" "$2"
      """;

  private final Optional<Process> process;
  private final Optional<String> address;

  private LinkLocalService(Optional<Process> process, Optional<String> address) {
    this.process = process;
    this.address = address;
  }

  /// The one of [#ADDRESS], else a new one, which answered; without an address for those who may
  /// make none.
  public static LinkLocalService open() throws IOException {
    Optional<String> given = Optional.ofNullable(System.getProperty(ADDRESS));
    if (given.isPresent() || !isRoot()) {
      return new LinkLocalService(Optional.empty(), given);
    }
    long pid = ProcessHandle.current().pid();
    // Never the network that clouds use.
    String network = "169.254." + (16 + pid % 100);
    Process process =
        new ProcessBuilder("sh", "-c", PROGRAM, "sh", "osb" + pid, network)
            .redirectErrorStream(true)
            .start();
    LinkLocalService made = new LinkLocalService(Optional.of(process), Optional.of(network + ".2"));
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
    close();
    throw new IOException(
        "no link-local service: "
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
