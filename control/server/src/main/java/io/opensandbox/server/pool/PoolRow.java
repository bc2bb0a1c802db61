package io.opensandbox.server.pool;

import io.opensandbox.protocol.lifecycle.PoolCapacity;
import io.opensandbox.server.sandbox.PoolTemplate;
import java.time.Instant;

/// A pool as the store has it.
///
/// @param tenant whose it is; empty text for one that every tenant may claim from
record PoolRow(
    String name, String tenant, PoolTemplate template, PoolCapacity capacity, Instant createdAt) {
  /// Whether a caller of `caller`'s tenant may claim from it and look at it.
  boolean isSeenBy(String caller) {
    return caller.isEmpty() || tenant.isEmpty() || caller.equals(tenant);
  }

  /// Whether a caller of `caller`'s tenant may change it.
  boolean isOwnedBy(String caller) {
    return caller.isEmpty() || caller.equals(tenant);
  }
}
