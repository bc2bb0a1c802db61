package io.opensandbox.runtime.docker;

import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxRuntimeTck;
import org.junit.jupiter.api.extension.RegisterExtension;

/// The suite of every runtime on a real engine, with an execd image that mounts.
final class DockerRuntimeIT extends SandboxRuntimeTck {
  @RegisterExtension static final SuiteRuntime docker = new SuiteRuntime();

  @Override
  protected SandboxRuntime runtime() {
    return docker.get();
  }

  @Override
  protected String image() {
    return TestImages.BUSYBOX;
  }

  @Override
  protected String unknownImage() {
    return "localhost:1/osb-docker-it/nowhere:1";
  }
}
