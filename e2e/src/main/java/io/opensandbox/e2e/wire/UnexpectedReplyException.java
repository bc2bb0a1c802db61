package io.opensandbox.e2e.wire;

/// A reply had another status than the one the caller needs. The message carries the server's own.
public final class UnexpectedReplyException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final transient Reply reply;

  UnexpectedReplyException(Reply reply, int expected) {
    super(
        reply.request()
            + " answered "
            + reply.status()
            + " instead of "
            + expected
            + ": "
            + reply.text());
    this.reply = reply;
  }

  /// The reply.
  public Reply reply() {
    return reply;
  }
}
