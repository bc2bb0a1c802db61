package io.opensandbox.server.snapshot;

/// Every state of a snapshot: `Creating` ends in `Ready` or `Failed`, those go through `Deleting`.
enum SnapshotState {
  CREATING("Creating"),
  READY("Ready"),
  FAILED("Failed"),
  DELETING("Deleting");

  private final String wire;

  SnapshotState(String wire) {
    this.wire = wire;
  }

  /// The text on the wire and in the store.
  String wire() {
    return wire;
  }

  static SnapshotState parse(String wire) {
    for (SnapshotState state : values()) {
      if (state.wire.equals(wire)) {
        return state;
      }
    }
    // Another implementation wrote it; nothing can be done with it but deleting it.
    return FAILED;
  }
}
