package io.opensandbox.runtime;

import java.util.Map;

/// Where a port of a sandbox is reached, without scheme.
///
/// @param authority `host:port`
/// @param path empty, or a prefix with leading and without trailing slash (`/proxy/3000`)
/// @param headers to send with every request; may hold a token, so it is not logged
public record PortAddress(String authority, String path, Map<String, String> headers) {
  /// Copies the headers.
  public PortAddress {
    headers = Map.copyOf(headers);
  }

  @Override
  public String toString() {
    return authority + path;
  }
}
