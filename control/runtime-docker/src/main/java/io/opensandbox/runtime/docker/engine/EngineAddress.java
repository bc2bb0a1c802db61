package io.opensandbox.runtime.docker.engine;

import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/// Where a Docker engine listens, as `DOCKER_HOST` says it.
public sealed interface EngineAddress {
  /// The engine of this host at its usual place.
  EngineAddress DEFAULT = new Unix(Path.of("/var/run/docker.sock"));

  /// A Unix socket.
  record Unix(Path socket) implements EngineAddress {}

  /// A TCP port.
  ///
  /// @param certificates directory with `ca.pem`, `cert.pem`, `key.pem` for TLS; empty for plain
  record Tcp(String host, int port, Optional<Path> certificates) implements EngineAddress {}

  /// Parses the variables that Docker's own client reads.
  ///
  /// Throws [IllegalArgumentException] with a message that names `DOCKER_HOST`.
  ///
  /// @param dockerHost `DOCKER_HOST`; blank means the usual socket
  /// @param tls whether `DOCKER_TLS_VERIFY` is set
  /// @param certificates `DOCKER_CERT_PATH`, needed with `tls`
  static EngineAddress parse(String dockerHost, boolean tls, Optional<Path> certificates) {
    if (dockerHost.isBlank()) {
      return DEFAULT;
    }
    URI uri = URI.create(dockerHost.strip());
    String scheme = String.valueOf(uri.getScheme());
    return switch (scheme) {
      case "unix" -> new Unix(Path.of(uri.getPath()));
      case "tcp", "http", "https" -> {
        boolean secure = tls || scheme.equals("https");
        int port = uri.getPort() > 0 ? uri.getPort() : secure ? 2376 : 2375;
        if (uri.getHost() == null) {
          throw new IllegalArgumentException("DOCKER_HOST \"" + dockerHost + "\" names no host");
        }
        if (secure && certificates.isEmpty()) {
          throw new IllegalArgumentException(
              "DOCKER_CERT_PATH is needed for TLS to DOCKER_HOST \"" + dockerHost + "\"");
        }
        yield new Tcp(uri.getHost(), port, secure ? certificates : Optional.empty());
      }
      default ->
          throw new IllegalArgumentException(
              "DOCKER_HOST \"" + dockerHost + "\" must start with unix:// or tcp://");
    };
  }
}
