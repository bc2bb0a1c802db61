package io.opensandbox.execd.process;

import java.io.IOException;

/// A process could not be started. The message says which step failed and why, for example `exec
/// /bin/nope: No such file or directory`.
public final class SpawnException extends IOException {
  private static final long serialVersionUID = 1L;

  /// Refused by the kernel or the broker.
  public SpawnException(String message) {
    super(message);
  }

  /// The broker could not be asked.
  public SpawnException(String message, Throwable cause) {
    super(message, cause);
  }
}
