package io.opensandbox.execd.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.process.TestBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Kernels that are started by the real broker.
@Timeout(180)
class DirectKernelsIT extends KernelSourceTck {
  private TestBroker broker;
  private DirectKernels kernels;

  @BeforeEach
  void start() throws IOException {
    Path python = kernelsPython();
    Assumptions.assumeTrue(
        Files.isExecutable(python), () -> python + " is missing: run scripts/setup --test");
    Map<String, String> environment = new HashMap<>(System.getenv());
    environment.put("PATH", python.getParent() + ":" + environment.getOrDefault("PATH", ""));
    environment.put("IPYTHONDIR", directory.resolve("ipython").toString());
    broker = TestBroker.start();
    kernels =
        new DirectKernels(
            broker.spawner(),
            () -> environment,
            directory.resolve("run"),
            new SecureRandom(),
            Clock.systemUTC());
  }

  @AfterEach
  void stop() throws IOException {
    if (broker != null) {
      broker.close();
    }
  }

  @Override
  KernelSource source() {
    return kernels;
  }

  @Override
  String deathReason() {
    return "the kernel ended: signal: killed";
  }

  @Test
  void leavesNoConnectionFile() throws IOException {
    open().close();

    try (var files = Files.list(directory.resolve("run"))) {
      assertThat(files).isEmpty();
    }
  }
}
