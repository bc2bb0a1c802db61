package io.opensandbox.runtime.docker;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxRuntimeTck;
import java.io.IOException;
import java.time.Clock;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/// The suite of every runtime on a real engine, with an execd image that mounts.
final class DockerRuntimeIT extends SandboxRuntimeTck {
  private static SandboxRuntime runtime;

  @BeforeAll
  static void open() throws IOException {
    Optional<String> obstacle = TestImages.obstacle();
    assumeTrue(obstacle.isEmpty(), () -> obstacle.orElse(""));
    TestImages.make();
    runtime =
        DockerRuntime.open(
            DockerRuntimeConfig.of(TestImages.EXECD).withNetworkMode("bridge"), Clock.systemUTC());
  }

  @AfterAll
  static void close() {
    if (runtime != null) {
      runtime.close();
    }
  }

  @Override
  protected SandboxRuntime runtime() {
    return runtime;
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
