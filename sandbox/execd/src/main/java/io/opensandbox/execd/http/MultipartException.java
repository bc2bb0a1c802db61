package io.opensandbox.execd.http;

import java.io.IOException;

/// A multipart body that is not well formed; the message says in which way.
public final class MultipartException extends IOException {
  private static final long serialVersionUID = 1L;

  MultipartException(String message) {
    super(message);
  }

  /// The message, never null.
  public String reason() {
    return String.valueOf(getMessage());
  }
}
