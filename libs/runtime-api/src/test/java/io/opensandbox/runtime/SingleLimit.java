package io.opensandbox.runtime;

import java.util.OptionalInt;
import java.util.OptionalLong;

/// Limits of one thing and of nothing else.
public final class SingleLimit {
  private SingleLimit() {}

  /// Of CPU time, in billionths of a core.
  public static ResourceLimits cpu(long nanoCpus) {
    return of(OptionalLong.of(nanoCpus), OptionalLong.empty(), OptionalLong.empty());
  }

  /// Of memory, in bytes.
  public static ResourceLimits memory(long bytes) {
    return of(OptionalLong.empty(), OptionalLong.of(bytes), OptionalLong.empty());
  }

  /// Of processes and threads.
  public static ResourceLimits pids(long pids) {
    return of(OptionalLong.empty(), OptionalLong.empty(), OptionalLong.of(pids));
  }

  /// Of what may be written to the root file system, in bytes.
  public static ResourceLimits disk(long bytes) {
    return new ResourceLimits(
        OptionalLong.empty(),
        OptionalLong.empty(),
        OptionalLong.empty(),
        OptionalInt.empty(),
        OptionalLong.of(bytes));
  }

  private static ResourceLimits of(OptionalLong nanoCpus, OptionalLong memory, OptionalLong pids) {
    return new ResourceLimits(nanoCpus, memory, pids, OptionalInt.empty());
  }
}
