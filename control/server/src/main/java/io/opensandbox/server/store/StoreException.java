package io.opensandbox.server.store;

import org.jspecify.annotations.Nullable;

/// The database refused or failed; the request that needed it cannot go on.
public final class StoreException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  StoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
