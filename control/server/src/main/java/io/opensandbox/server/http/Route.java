package io.opensandbox.server.http;

/// Answers the requests of one method and path.
@FunctionalInterface
public interface Route {
  /// Answers one request. A `SandboxException` becomes its envelope; anything else a 500.
  ///
  /// @param exchange the request and its response
  void handle(Exchange exchange) throws Exception;
}
