package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.SandboxState;
import io.opensandbox.runtime.RuntimeSandbox;
import java.time.Instant;

/// Says in the words of the API what a runtime reports.
final class Observed {
  private Observed() {}

  /// The status of a sandbox that the runtime sees.
  ///
  /// @param before the status so far; kept when nothing changed
  /// @param now when the change was seen, for changes whose time the runtime does not know
  static Status status(RuntimeSandbox seen, Status before, Instant now) {
    Status status =
        switch (seen.state()) {
          case RUNNING -> running("CONTAINER_RUNNING", "Sandbox container is running.", now);
          case RESTARTING ->
              running("CONTAINER_RESTARTING", "Sandbox container is restarting.", now);
          case PAUSED ->
              new Status(
                  SandboxState.PAUSED, "CONTAINER_PAUSED", "Sandbox container is paused.", now);
          case CREATED ->
              new Status(
                  SandboxState.PENDING,
                  "CONTAINER_STARTING",
                  "Sandbox container is starting.",
                  now);
          case EXITED -> exited(seen, now);
          case UNKNOWN ->
              new Status(
                  SandboxState.UNKNOWN,
                  "CONTAINER_STATE_UNKNOWN",
                  "Sandbox container is in an unknown state"
                      + (seen.error().isEmpty() ? "." : ": " + seen.error()),
                  now);
        };
    boolean endedAgain =
        seen.state() == RuntimeSandbox.State.EXITED && !status.since().equals(before.since());
    return status.saysSameAs(before) && !endedAgain ? before : status;
  }

  private static Status running(String reason, String message, Instant now) {
    return new Status(SandboxState.RUNNING, reason, message, now);
  }

  private static Status exited(RuntimeSandbox seen, Instant now) {
    Instant since = seen.finishedAt().orElse(now);
    int exitCode = seen.exitCode().orElse(0);
    if (exitCode == 0) {
      return new Status(
          SandboxState.TERMINATED,
          "CONTAINER_EXITED",
          "Sandbox container exited successfully.",
          since);
    }
    String cause = seen.outOfMemory() ? " It was killed for using too much memory." : "";
    return new Status(
        SandboxState.FAILED,
        "CONTAINER_EXITED_ERROR",
        "Sandbox container exited with code " + exitCode + "." + cause,
        since);
  }
}
