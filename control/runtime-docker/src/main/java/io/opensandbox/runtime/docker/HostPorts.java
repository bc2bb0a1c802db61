package io.opensandbox.runtime.docker;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;

/// Picks host ports for published container ports.
///
/// A port that was given out stays reserved for its sandbox until [#release], so that creates
/// running at once do not pick the same. Somebody else may still take it before the engine binds
/// it; the caller then asks for others.
final class HostPorts {
  private static final int FIRST = 40_000;
  private static final int LAST = 60_000;
  private static final int MAX_TRIES = 50;

  private final RandomGenerator random;
  private final boolean engineIsLocal;

  // Guarded by this.
  private final Map<Integer, String> reserved = new HashMap<>();

  /// @param engineIsLocal whether binding a port here tells anything about the engine's host
  HostPorts(RandomGenerator random, boolean engineIsLocal) {
    this.random = random;
    this.engineIsLocal = engineIsLocal;
  }

  /// A port nobody listens on now, reserved.
  int reserve(String sandboxId) {
    for (int i = 0; i < MAX_TRIES; i++) {
      int port = random.nextInt(FIRST, LAST + 1);
      if (tryReserve(port, sandboxId)) {
        if (isFree(port)) {
          return port;
        }
        giveBack(port);
      }
    }
    throw new SandboxException(
        ErrorCode.START_FAILED,
        "no free host port found between "
            + FIRST
            + " and "
            + LAST
            + " in "
            + MAX_TRIES
            + " tries");
  }

  private synchronized boolean tryReserve(int port, String sandboxId) {
    return reserved.putIfAbsent(port, sandboxId) == null;
  }

  private synchronized void giveBack(int port) {
    reserved.remove(port);
  }

  /// Ends the reservations of a sandbox: the engine holds its ports now, or nobody wants them.
  synchronized void release(String sandboxId) {
    reserved.values().removeIf(sandboxId::equals);
  }

  private boolean isFree(int port) {
    if (!engineIsLocal) {
      return true;
    }
    try (ServerSocketChannel probe = ServerSocketChannel.open()) {
      probe.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      probe.bind(new InetSocketAddress("0.0.0.0", port));
      return true;
    } catch (IOException _) {
      return false; // taken
    }
  }
}
