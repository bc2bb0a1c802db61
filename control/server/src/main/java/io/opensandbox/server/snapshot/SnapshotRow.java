package io.opensandbox.server.snapshot;

import java.time.Instant;
import java.util.Optional;

/// A snapshot as the store has it.
///
/// @param tenant that it belongs to; empty text for none
/// @param image to restore from, once it is there
record SnapshotRow(
    String id,
    String tenant,
    String sandboxId,
    Optional<String> name,
    Optional<String> image,
    Status status,
    Instant createdAt) {
  /// What it is doing.
  record Status(SnapshotState state, String reason, String message, Instant since) {}

  SnapshotRow with(Status newStatus, Optional<String> newImage) {
    return new SnapshotRow(id, tenant, sandboxId, name, newImage, newStatus, createdAt);
  }
}
