package io.opensandbox.server.store;

/// The database refused or failed; the request that needed it cannot go on.
public final class StoreException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  StoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
