package io.opensandbox.runtime.local;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.local.process.Runner;
import java.io.UncheckedIOException;
import java.util.function.Supplier;

/// Gives faults of the machine the code of what was being done.
final class Faults {
  private Faults() {}

  /// Runs `work`; failed programs and files become `code`, errors that have a code keep it.
  static <T> T as(ErrorCode code, Supplier<T> work) {
    try {
      return work.get();
    } catch (Runner.RunFailure | UncheckedIOException e) {
      throw new SandboxException(code, String.valueOf(e.getMessage()), e);
    }
  }
}
