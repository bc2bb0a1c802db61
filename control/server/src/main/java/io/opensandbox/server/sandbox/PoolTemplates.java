package io.opensandbox.server.sandbox;

/// Finds what a claim refers to.
public interface PoolTemplates {
  /// The template of a pool. Throws `POOL_NOT_FOUND` when there is none that the tenant may use.
  ///
  /// @param tenant that claims; empty text may use every pool
  PoolTemplate find(String pool, String tenant);

  /// Takes note that a member of a pool was claimed, or that none was there. Returns at once.
  void claimed(String pool, boolean warm);
}
