package io.opensandbox.runtime;

import java.util.Map;

/// The files of a sandbox as they were at one moment, from which copies of it are made. Holds on to
/// what was captured until it is closed and the last copy is gone.
public interface ForkPoint extends AutoCloseable {
  /// Makes a sandbox with the captured files and the entrypoint, environment, limits and volumes of
  /// the source, not started. Either it exists completely afterwards or nothing is left. Calling it
  /// again for an id that exists returns what exists. Copies may be made at the same time.
  ///
  /// @param id the new sandbox's id
  /// @param labels markers and user metadata; none of the source's are taken over
  RuntimeSandbox copy(String id, Map<String, String> labels);

  /// Lets go of what was captured; copies keep what they need.
  @Override
  void close();
}
