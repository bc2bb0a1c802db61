package io.opensandbox.execd.command;

import java.time.Duration;

/// How much is remembered of commands.
///
/// @param records finished commands
/// @param age how long after its end a command is remembered
/// @param running commands at once
/// @param outputBytes output kept per command
/// @param totalOutputBytes output kept of all commands together
public record CommandLimits(
    int records, Duration age, int running, long outputBytes, long totalOutputBytes) {
  /// What execd uses unless told otherwise.
  public static final CommandLimits DEFAULT =
      new CommandLimits(1000, Duration.ofHours(24), 4096, 64L << 20, 256L << 20);
}
