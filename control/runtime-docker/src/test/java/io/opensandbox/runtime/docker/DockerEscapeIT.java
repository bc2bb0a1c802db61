package io.opensandbox.runtime.docker;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.escape.Attempts;
import io.opensandbox.runtime.escape.EscapeTck;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;

/// The attempts of every runtime, on a real engine with its own system call filter.
final class DockerEscapeIT extends EscapeTck {
  static final String IMAGE = "opensandbox/demo:local";

  @RegisterExtension static final SuiteRuntime docker = new SuiteRuntime();

  @BeforeAll
  static void findImage() {
    assumeTrue(
        docker.get().isImagePresent(ImageRequest.of(IMAGE)),
        "there is no " + IMAGE + "; scripts/build --docker makes it");
  }

  @Override
  protected SandboxRuntime runtime() {
    return docker.get();
  }

  @Override
  protected String image() {
    return IMAGE;
  }

  @Override
  protected Map<String, String> differences() {
    return Map.of(
        // A rule of the host's firewall (`DOCKER-USER`), which is its operator's.
        Attempts.METADATA,
        "(connected|unreachable)\n",
        // The engine does not hide the file; the kernel shows no addresses without CAP_SYSLOG.
        "read kernel symbols",
        "[01]\n",
        // Docker takes the capability out of the bounding set, and then exec itself fails.
        "gain capabilities by a file",
        "(?s).*Operation not permitted.*",
        // The filters of engines before 25 let both through; docker.seccomp_profile can be
        // stricter.
        "io_uring_setup",
        "(EPERM|EFAULT|ENOSYS)\n",
        "a vsock socket",
        "(open|Operation not permitted|Address family not supported by protocol)\n");
  }
}
