package io.opensandbox.execd.http;

/// A message that breaks HTTP's rules: it is answered and the connection closed, since what follows
/// it cannot be trusted.
final class BadRequest extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;

  BadRequest(int status, String message) {
    super(message, null, false, false);
    this.status = status;
  }

  BadRequest(String message) {
    this(400, message);
  }

  int status() {
    return status;
  }
}
