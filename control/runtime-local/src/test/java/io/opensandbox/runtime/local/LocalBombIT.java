package io.opensandbox.runtime.local;

import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.escape.BombTck;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Bombs on the disk and floods of output are in [BehaviourIT].
final class LocalBombIT extends BombTck {
  @RegisterExtension static final SuiteRuntime local = new SuiteRuntime();

  @Override
  protected SandboxRuntime runtime() {
    return local.get();
  }

  @Override
  protected String image() {
    return "host";
  }
}
