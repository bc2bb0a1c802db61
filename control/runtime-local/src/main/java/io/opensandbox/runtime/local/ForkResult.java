package io.opensandbox.runtime.local;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.runtime.RuntimeSandbox;

/// What became of one copy of a fork.
public sealed interface ForkResult {
  /// The copy's id, as asked for.
  String id();

  /// The copy runs.
  record Forked(String id, RuntimeSandbox sandbox) implements ForkResult {}

  /// The copy could not be made; nothing of it is left.
  record Failed(String id, ErrorCode code, String message) implements ForkResult {}
}
