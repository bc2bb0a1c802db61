package io.opensandbox.server;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.config.Config;

/// Opens the runtime that the configuration names.
final class Runtimes {
  private Runtimes() {}

  @SuppressWarnings("DoNotCallSuggester") // until the first runtime is built in
  static SandboxRuntime open(Config config) {
    throw new SandboxException(
        ErrorCode.RUNTIME_UNAVAILABLE,
        "runtime.type \"" + config.runtime().type() + "\" is not built into this server");
  }
}
