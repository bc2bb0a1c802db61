package io.opensandbox.runtime.docker;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.escape.BombTck;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;

final class DockerBombIT extends BombTck {
  @RegisterExtension static final SuiteRuntime docker = new SuiteRuntime();

  @BeforeAll
  static void findImage() {
    assumeTrue(
        docker.get().isImagePresent(ImageRequest.of(DockerEscapeIT.IMAGE)),
        "there is no " + DockerEscapeIT.IMAGE + "; scripts/build --docker makes it");
  }

  @Override
  protected SandboxRuntime runtime() {
    return docker.get();
  }

  @Override
  protected String image() {
    return DockerEscapeIT.IMAGE;
  }
}
