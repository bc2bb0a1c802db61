package io.opensandbox.server.proxy;

import io.opensandbox.runtime.PortAddress;

/// Finds where the server itself reaches a port of a sandbox.
public interface ProxyTargets {
  /// The address for one request. Called for every request, on its virtual thread; may block.
  /// Throws [io.opensandbox.protocol.lifecycle.SandboxException] with the code that the caller
  /// gets.
  ///
  /// @param sandboxId as in the path, percent-decoded; any text
  /// @param port 1 to 65535
  PortAddress resolve(String sandboxId, int port);

  /// Tells that a client used the sandbox through the proxy: once per request or connection, at its
  /// start, whatever becomes of it. Returns at once and never throws.
  void accessed(String sandboxId);
}
