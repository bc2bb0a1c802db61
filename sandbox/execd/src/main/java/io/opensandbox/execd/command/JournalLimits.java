package io.opensandbox.execd.command;

/// How much output is kept.
///
/// @param memoryBytes output up to this size stays in memory and needs no file
/// @param segmentBytes the oldest output of a command is dropped in pieces of this size
/// @param commandBytes kept per command, at least four segments
/// @param totalBytes kept of all commands together
record JournalLimits(int memoryBytes, long segmentBytes, long commandBytes, long totalBytes) {
  private static final int MEMORY_BYTES = 4 << 10;

  /// The limits for these two sizes.
  static JournalLimits of(long commandBytes, long totalBytes) {
    return new JournalLimits(
        MEMORY_BYTES,
        Math.max(1, commandBytes / 8),
        commandBytes,
        Math.max(commandBytes, totalBytes));
  }
}
