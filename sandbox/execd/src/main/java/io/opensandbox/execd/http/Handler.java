package io.opensandbox.execd.http;

import java.io.IOException;

/// Answers one request. Runs on the connection's own virtual thread and may block; when it returns,
/// the request is over.
@FunctionalInterface
public interface Handler {
  /// Answers through `exchange`. An [io.opensandbox.protocol.execd.ExecdException] becomes its
  /// error envelope, anything else a 500; after the first byte of a response the connection is cut
  /// instead, so that the client sees the failure. An IOException of the connection itself just
  /// ends the connection.
  void handle(Exchange exchange) throws IOException;
}
