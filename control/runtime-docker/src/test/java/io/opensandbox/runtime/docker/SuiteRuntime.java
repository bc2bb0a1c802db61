package io.opensandbox.runtime.docker;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.runtime.SandboxRuntime;
import java.io.IOException;
import java.time.Clock;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// A runtime on the real engine for all tests of a class, as a static `@RegisterExtension`; its
/// execd image mounts.
final class SuiteRuntime implements BeforeAllCallback, AfterAllCallback {
  private @Nullable SandboxRuntime runtime;

  @Override
  public void beforeAll(ExtensionContext context) throws IOException {
    Optional<String> obstacle = TestImages.obstacle();
    assumeTrue(obstacle.isEmpty(), () -> obstacle.orElse(""));
    TestImages.make();
    runtime = DockerRuntime.open(DockerFixture.config(TestImages.EXECD), Clock.systemUTC());
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (runtime != null) {
      runtime.close();
    }
  }

  SandboxRuntime get() {
    return Objects.requireNonNull(runtime, "not open");
  }
}
