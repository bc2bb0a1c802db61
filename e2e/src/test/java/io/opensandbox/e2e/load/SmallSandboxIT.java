package io.opensandbox.e2e.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Server;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// The smallest sandbox that official suites ask for.
class SmallSandboxIT {
  @Test
  void halfACpuAnd64Mi_isEnough_andAGreedyCommandDiesAlone() {
    var request = Server.request(Images.PYTHON.reference());
    request.put("resourceLimits", Map.of("cpu", "500m", "memory", "64Mi"));
    try (var sandbox = Testbed.create(request)) {
      var execd = sandbox.execd();

      assertThat(execd.run("echo small").stdout()).containsExactly("small");
      execd.write("/tmp/f.txt", "content");
      assertThat(execd.read("/tmp/f.txt")).asString().isEqualTo("content");
      var greedy = execd.run("python3 -c 'b = bytearray(200 << 20); print(len(b))'");
      assertThat(greedy.exitCode()).isNotZero();
      assertThat(greedy.stdout()).isEmpty();

      assertThat(execd.run("echo still here").stdout()).containsExactly("still here");
      assertThat(Testbed.server().get(sandbox.id()).at("status").text("state"))
          .isEqualTo("Running");
    }
  }
}
