package io.opensandbox.server.json;

/// Text that is not one JSON value, or one beyond the limits. The message says where and why and
/// never repeats the text, which may hold secrets.
public final class JsonSyntaxException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  JsonSyntaxException(String reason, int position) {
    super(reason + " at position " + position);
  }
}
