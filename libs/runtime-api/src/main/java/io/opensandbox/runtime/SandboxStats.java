package io.opensandbox.runtime;

/// Use of resources of one sandbox.
///
/// @param cpuNanos CPU time since start
/// @param memoryBytes in use now
/// @param memoryLimitBytes the limit, or the host's memory
/// @param pids processes and threads
public record SandboxStats(long cpuNanos, long memoryBytes, long memoryLimitBytes, long pids) {}
