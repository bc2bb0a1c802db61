package io.opensandbox.protocol.lifecycle;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Every state of a sandbox, with the moves between them in this one place.
public enum SandboxState {
  PENDING("Pending"),
  RUNNING("Running"),
  PAUSING("Pausing"),
  PAUSED("Paused"),
  RESUMING("Resuming"),
  STOPPING("Stopping"),
  TERMINATED("Terminated"),
  FAILED("Failed"),
  UNKNOWN("Unknown");

  private final String wire;

  SandboxState(String wire) {
    this.wire = wire;
  }

  /// The text in `status.state`.
  public String wire() {
    return wire;
  }

  /// The state with that text, compared exactly.
  public static Optional<SandboxState> parse(String wire) {
    for (SandboxState state : values()) {
      if (state.wire.equals(wire)) {
        return Optional.of(state);
      }
    }
    return Optional.empty();
  }

  /// Whether `filter` of a list request names this state; case does not matter.
  public boolean matches(String filter) {
    return wire.toLowerCase(Locale.ROOT).equals(filter.toLowerCase(Locale.ROOT));
  }

  /// Whether a sandbox in this state may go to `next`. What the runtime reports is followed
  /// wherever it leads, except out of [#STOPPING], which only ends in gone.
  public boolean mayBecome(SandboxState next) {
    return this == next || successors().contains(next);
  }

  private Set<SandboxState> successors() {
    return switch (this) {
      case PENDING -> EnumSet.of(RUNNING, PAUSED, TERMINATED, FAILED, STOPPING, UNKNOWN);
      case RUNNING -> EnumSet.of(PENDING, PAUSING, PAUSED, TERMINATED, FAILED, STOPPING, UNKNOWN);
      case PAUSING -> EnumSet.of(PAUSED, RUNNING, TERMINATED, FAILED, STOPPING, UNKNOWN);
      case PAUSED -> EnumSet.of(RESUMING, RUNNING, TERMINATED, FAILED, STOPPING, UNKNOWN);
      case RESUMING -> EnumSet.of(RUNNING, PAUSED, TERMINATED, FAILED, STOPPING, UNKNOWN);
      case TERMINATED, FAILED -> EnumSet.of(RUNNING, PAUSED, TERMINATED, FAILED, STOPPING, UNKNOWN);
      case UNKNOWN -> EnumSet.allOf(SandboxState.class);
      case STOPPING -> EnumSet.noneOf(SandboxState.class);
    };
  }
}
