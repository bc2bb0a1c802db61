package io.opensandbox.runtime.local;

import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxRuntimeTck;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/// The local runtime as every runtime must be; runs as root where the tools are.
class LocalRuntimeIT extends SandboxRuntimeTck {
  private static TestRuntime test;

  @BeforeAll
  static void open() {
    test = TestRuntime.open();
  }

  @AfterAll
  static void close() {
    if (test != null) {
      test.close();
    }
  }

  @Override
  protected SandboxRuntime runtime() {
    return test.runtime();
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
