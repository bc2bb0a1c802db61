package io.opensandbox.execd.http;

import java.io.EOFException;

/// The client has ended its side of the connection inside of a request's body.
final class TruncatedBody extends EOFException {
  private static final long serialVersionUID = 1L;

  TruncatedBody() {
    super("connection closed inside a request body");
  }
}
