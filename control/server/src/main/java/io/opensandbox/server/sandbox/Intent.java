package io.opensandbox.server.sandbox;

/// What the server wants of a sandbox; the reconciler works towards it.
public enum Intent {
  /// Being made. The row is removed again when that fails before the client had its answer.
  CREATE,

  /// There; its state follows the runtime.
  KEEP,

  /// A member of a pool that is being made; no client knows it. Removed again when that fails.
  FILL,

  /// A member of a pool that waits to be claimed; no client knows it. Its state follows the
  /// runtime.
  WARM,

  /// Failed in the background; there is nothing in the runtime, the row tells why until it expires.
  KEEP_FAILED,

  /// Being removed, shown as `Stopping`.
  REMOVE,

  /// Removed as far as clients can tell; what is left of it is still being cleaned up.
  FORGET
}
