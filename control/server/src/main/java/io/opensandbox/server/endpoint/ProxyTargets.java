package io.opensandbox.server.endpoint;

import io.opensandbox.runtime.PortAddress;

/// What the proxy needs to know of sandboxes.
///
/// The proxy is a Jetty handler between the key gate and the routes (see
/// `io.opensandbox.server.http.WebServer`): it sees the raw URI, takes the paths
/// `[/v1]/sandboxes/{id}/proxy/{port}[/...]` and passes everything else on. `X-Request-ID` and the
/// CORS headers already stand in the response when it is called, and the request is counted and
/// logged by the front door when it completes.
public interface ProxyTargets {
  /// Where the server reaches a port of a sandbox.
  ///
  /// Throws `SandboxException`: `SANDBOX_NOT_FOUND`, `INVALID_PORT`, `ENDPOINT_UNAVAILABLE`, or
  /// `BACKEND_UNREACHABLE` while the sandbox is still being prepared.
  PortAddress resolve(String sandboxId, int port);

  /// Tells that a client used the sandbox through the proxy: once per request or connection, at its
  /// start, whatever becomes of it. Returns at once and never throws.
  void accessed(String sandboxId);
}
