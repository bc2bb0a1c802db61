package io.opensandbox.server.sandbox;

/// Finds what a snapshot is restored from.
public interface SnapshotImages {
  /// The image of a snapshot that is ready.
  ///
  /// Throws `SNAPSHOT_NOT_FOUND`, `SNAPSHOT_NOT_READY` or `SNAPSHOT_INVALID_RESTORE_CONFIG`.
  ///
  /// @param tenant that may use it; empty text for every one
  String imageOf(String snapshotId, String tenant);

  /// Whether some server is capturing a sandbox now.
  boolean isBeingCaptured(String sandboxId);
}
