package io.opensandbox.runtime.docker;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/// Waits until execd can be talked to, so that a client's first request does not find nobody and
/// wait for its next try. Gives up quietly: a sandbox whose execd is late is still a sandbox.
final class ExecdReadiness {
  private static final int EXECD_PORT = 44_772;
  private static final int CONNECT_MILLIS = 50;
  private static final long PAUSE_NANOS = Duration.ofMillis(2).toNanos();

  private static final long NANOS_PER_MILLI = 1_000_000;
  private static final byte[] PING =
      "GET /ping HTTP/1.1\r\nHost: execd\r\nConnection: close\r\n\r\n"
          .getBytes(StandardCharsets.US_ASCII);

  private final SandboxIndex index;
  private final boolean hostNetwork;
  private final long limitNanos;

  /// @param limit the longest wait for a connection; zero for none
  ExecdReadiness(SandboxIndex index, boolean hostNetwork, Duration limit) {
    this.index = index;
    this.hostNetwork = hostNetwork;
    this.limitNanos = limit.toNanos();
  }

  /// Returns when execd accepts connections, the sandbox ended, or the limit is reached.
  ///
  /// @param startedAt `System.nanoTime()` before the start; a death after it ends the waiting
  void awaitAccept(SeenSandbox sandbox, long startedAt) {
    await(sandbox, startedAt, limitNanos, ExecdReadiness::accepts);
  }

  /// Returns when execd answers, the sandbox ended, or twice the limit is reached: on a busy host
  /// execd needs its full speed longer.
  void awaitAnswer(SeenSandbox sandbox, long startedAt) {
    await(sandbox, startedAt, 2 * limitNanos, this::answers);
  }

  private void await(
      SeenSandbox sandbox, long startedAt, long limitNanos, Predicate<InetSocketAddress> ready) {
    Optional<String> host = hostNetwork ? Optional.of("127.0.0.1") : sandbox.ip();
    if (host.isEmpty()) {
      return;
    }
    InetSocketAddress address = new InetSocketAddress(host.get(), EXECD_PORT);
    String id = sandbox.sandbox().id();
    long deadline = System.nanoTime() + limitNanos;
    while (System.nanoTime() - deadline < 0
        && !ready.test(address)
        && !index.hasDiedSince(id, startedAt)
        && !Thread.currentThread().isInterrupted()) {
      LockSupport.parkNanos(PAUSE_NANOS); // a refused connection has no event to wait for
    }
  }

  private static boolean accepts(InetSocketAddress address) {
    try (Socket socket = new Socket()) {
      socket.connect(address, CONNECT_MILLIS);
      return true;
    } catch (IOException _) {
      return false; // not yet
    }
  }

  /// The launcher holds a request until the JVM behind it is up; any answer will do.
  private boolean answers(InetSocketAddress address) {
    try (Socket socket = new Socket()) {
      socket.connect(address, CONNECT_MILLIS);
      socket.setSoTimeout((int) (2 * limitNanos / NANOS_PER_MILLI));
      socket.getOutputStream().write(PING);
      return socket.getInputStream().read() >= 0;
    } catch (IOException _) {
      return false; // not yet
    }
  }
}
