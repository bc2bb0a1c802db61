package io.opensandbox.execd.archive;

import java.io.IOException;

/// An archive that is not well formed.
final class TarException extends IOException {
  private static final long serialVersionUID = 1L;

  TarException(String message) {
    super(message);
  }

  TarException(String message, Throwable cause) {
    super(message, cause);
  }
}
