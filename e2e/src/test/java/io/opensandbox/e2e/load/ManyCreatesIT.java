package io.opensandbox.e2e.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.TestSandbox;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Execution;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/// Twenty sandboxes asked for at once.
class ManyCreatesIT {
  private static final int SANDBOXES = 20;

  @Test
  void twentyCreatesAtOnce_giveTwentyWorkingSandboxes() throws Exception {
    var asked = new ArrayList<Future<TestSandbox>>();
    var results = new ArrayList<Execution>();
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      Callable<TestSandbox> create = () -> Testbed.create(Images.PYTHON);
      for (int i = 0; i < SANDBOXES; i++) {
        asked.add(tasks.submit(create));
      }
      for (var sandbox : asked) {
        results.add(sandbox.get().execd().run("echo up"));
      }
    } finally {
      for (var sandbox : asked) {
        if (sandbox.state() == Future.State.SUCCESS) {
          sandbox.resultNow().close();
        }
      }
    }

    assertThat(results)
        .hasSize(SANDBOXES)
        .allSatisfy(result -> assertThat(result.stdout()).containsExactly("up"));
  }
}
