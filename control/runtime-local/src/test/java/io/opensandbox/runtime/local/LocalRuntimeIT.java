package io.opensandbox.runtime.local;

import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxRuntimeTck;
import org.junit.jupiter.api.extension.RegisterExtension;

/// The local runtime as every runtime must be; runs as root where the tools are.
class LocalRuntimeIT extends SandboxRuntimeTck {
  @RegisterExtension static final SuiteRuntime local = new SuiteRuntime();

  @Override
  protected SandboxRuntime runtime() {
    return local.get();
  }

  @Override
  protected String image() {
    return "host";
  }

  @Override
  protected String unknownImage() {
    return "localhost:1/osl/nothing:1";
  }
}
