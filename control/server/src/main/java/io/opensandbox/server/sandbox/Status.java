package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.SandboxState;
import java.time.Instant;

/// What a sandbox is doing.
///
/// @param since when it began
public record Status(SandboxState state, String reason, String message, Instant since) {
  static Status scheduled(Instant now) {
    return new Status(SandboxState.PENDING, "SANDBOX_SCHEDULED", "Sandbox is being prepared.", now);
  }

  static Status started(Instant since) {
    return new Status(
        SandboxState.RUNNING,
        "CONTAINER_RUNNING",
        "Sandbox container started successfully.",
        since);
  }

  static Status provisioningFailed(String message, Instant now) {
    return new Status(SandboxState.FAILED, "PROVISIONING_ERROR", message, now);
  }

  static Status stopping(Instant now) {
    return new Status(
        SandboxState.STOPPING, "CONTAINER_REMOVING", "Sandbox is being removed.", now);
  }

  /// Whether both say the same, whenever it began.
  boolean saysSameAs(Status other) {
    return state == other.state && reason.equals(other.reason) && message.equals(other.message);
  }
}
