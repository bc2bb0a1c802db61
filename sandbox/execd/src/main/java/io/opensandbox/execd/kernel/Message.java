package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonObject;

/// A message of the Jupyter protocol as far as execd looks at it.
///
/// @param channel where it came from
/// @param type the header's `msg_type`, for example `execute_reply`
/// @param parentId `msg_id` of the request it answers; empty when it answers none
/// @param content the payload; its shape depends on the type
/// @param size bytes of the payload, for bounding queues
/// @param isCut whether the payload was too large, and only its beginning is there
record Message(
    Channel channel, String type, String parentId, JsonObject content, int size, boolean isCut) {
  /// The channels that execd uses.
  enum Channel {
    SHELL("shell"),
    CONTROL("control"),
    IOPUB("iopub");

    private final String wire;

    Channel(String wire) {
      this.wire = wire;
    }

    /// The name in a Jupyter server's WebSocket messages.
    String wire() {
      return wire;
    }
  }
}
