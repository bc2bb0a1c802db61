package io.opensandbox.runtime;

import java.util.OptionalInt;
import java.util.OptionalLong;

/// Limits of one sandbox, parsed; empty means unlimited.
///
/// @param nanoCpus CPU time in billionths of a core, 1 or more
/// @param memoryBytes 1 or more
/// @param pids processes and threads, 1 or more
/// @param gpus number of GPUs, or -1 for all
public record ResourceLimits(
    OptionalLong nanoCpus, OptionalLong memoryBytes, OptionalLong pids, OptionalInt gpus) {
  /// No limits at all.
  public static final ResourceLimits NONE =
      new ResourceLimits(
          OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty(), OptionalInt.empty());
}
