package io.opensandbox.execd.command;

import java.time.Instant;

/// Where a command is in its life: starting, then running, then ended; or starting, then failed.
sealed interface CommandState {
  /// When it came to its end; the end of time as long as it has not.
  default Instant endedAt() {
    return Instant.MAX;
  }

  /// Asked for, not yet there.
  record Starting() implements CommandState {}

  /// Has a process.
  record Running() implements CommandState {}

  /// Had a process.
  ///
  /// @param exitCode -1 when a signal ended it
  /// @param error why it is no success; empty for one
  record Ended(int exitCode, String error, Instant at) implements CommandState {
    @Override
    public Instant endedAt() {
      return at;
    }
  }

  /// Never had a process.
  record Failed(String error, Instant at) implements CommandState {
    @Override
    public Instant endedAt() {
      return at;
    }
  }
}
