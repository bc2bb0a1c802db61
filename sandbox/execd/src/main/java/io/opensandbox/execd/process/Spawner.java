package io.opensandbox.execd.process;

/// Starts processes. Safe for many threads at once.
public interface Spawner {
  /// Asks for a process and returns at once; [RunningProcess#awaitStart] tells whether it started.
  ///
  /// @throws SpawnException when the request itself cannot be made (broker gone, no descriptors)
  RunningProcess start(ProcessSpec spec) throws SpawnException;
}
