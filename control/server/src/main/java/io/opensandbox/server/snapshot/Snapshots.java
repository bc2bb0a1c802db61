package io.opensandbox.server.snapshot;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.sandbox.SnapshotImages;
import io.opensandbox.server.store.Store;

/// What a restore needs of snapshots; made before the sandboxes' service, which uses it.
public final class Snapshots implements SnapshotImages {
  /// Repository of every snapshot's image; the tag is the snapshot's id.
  static final String IMAGES = "opensandbox-snapshots:";

  private final SnapshotStore store;
  private final SandboxRuntime runtime;

  /// @param runtime that has the images
  public Snapshots(Store store, SandboxRuntime runtime) {
    this.store = new SnapshotStore(store);
    this.runtime = runtime;
  }

  @Override
  public String imageOf(String snapshotId, String tenant) {
    SnapshotRow row =
        store
            .find(snapshotId)
            .filter(found -> tenant.isEmpty() || tenant.equals(found.tenant()))
            .orElseThrow(() -> notFound(snapshotId));
    if (row.status().state() != SnapshotState.READY) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_NOT_READY,
          "snapshot \"" + snapshotId + "\" is " + row.status().state().wire() + ", not Ready");
    }
    return row.image()
        .filter(runtime::isSnapshotPresent)
        .orElseThrow(() ->
            new SandboxException(
                ErrorCode.SNAPSHOT_INVALID_RESTORE_CONFIG,
                "snapshot \"" + snapshotId + "\" has no image to restore from"));
  }

  @Override
  public boolean isBeingCaptured(String sandboxId) {
    return store.isBeingCaptured(sandboxId);
  }

  SnapshotStore store() {
    return store;
  }

  static SandboxException notFound(String id) {
    return new SandboxException(
        ErrorCode.SNAPSHOT_NOT_FOUND, "snapshot \"" + id + "\" does not exist");
  }
}
