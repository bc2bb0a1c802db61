package io.opensandbox.runtime;

import java.util.OptionalInt;
import java.util.OptionalLong;

/// Limits of one sandbox, parsed; empty means unlimited.
///
/// @param nanoCpus CPU time in billionths of a core, 1 or more
/// @param memoryBytes 1 or more
/// @param pids processes and threads, 1 or more
/// @param gpus number of GPUs, or -1 for all
/// @param diskBytes that may be written to the root file system, 1 or more
public record ResourceLimits(
    OptionalLong nanoCpus,
    OptionalLong memoryBytes,
    OptionalLong pids,
    OptionalInt gpus,
    OptionalLong diskBytes) {
  /// No limits at all.
  public static final ResourceLimits NONE =
      new ResourceLimits(
          OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty(), OptionalInt.empty());

  /// Limits of everything but the disk.
  public ResourceLimits(
      OptionalLong nanoCpus, OptionalLong memoryBytes, OptionalLong pids, OptionalInt gpus) {
    this(nanoCpus, memoryBytes, pids, gpus, OptionalLong.empty());
  }
}
