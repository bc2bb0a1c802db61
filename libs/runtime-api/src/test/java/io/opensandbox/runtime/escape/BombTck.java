package io.opensandbox.runtime.escape;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What uses up more than it was given ends at its limit, is reported, and can be removed.
///
/// Not here, because the Docker engine leaves them to its operator: bombs on the disk (quotas are
/// the storage driver's), floods of output (the logging driver's `max-size`) and the cloud's
/// metadata address (a rule of the host's firewall). The local runtime bounds these itself and has
/// tests of its own.
public abstract class BombTck {
  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final long PIDS = 64;
  private static final long MEMORY = 128L << 20;

  /// The runtime under test.
  protected abstract SandboxRuntime runtime();

  /// An image on the host with bash and coreutils.
  protected abstract String image();

  @BeforeEach
  void needsLimits() {
    assumeTrue(
        runtime().capabilities().has(Capabilities.Feature.RESOURCE_LIMITS), "there are no limits");
  }

  @Test
  void forkBomb_isContainedAndRemovable() {
    String id =
        start(
            new ResourceLimits(
                OptionalLong.of(500_000_000),
                OptionalLong.empty(),
                OptionalLong.of(PIDS),
                OptionalInt.empty()),
            "b() { b | b & }; b 2>/dev/null; sleep 600");
    try {
      await(() -> runtime().stats(id).pids() > PIDS / 2);

      assertThat(runtime().stats(id).pids()).isLessThanOrEqualTo(PIDS);
    } finally {
      runtime().remove(id, Duration.ZERO);
    }
    assertThat(runtime().find(id)).isEmpty();
  }

  @Test
  void memoryBomb_endsTheSandboxAndIsReported() {
    String id =
        start(
            new ResourceLimits(
                OptionalLong.empty(),
                OptionalLong.of(MEMORY),
                OptionalLong.empty(),
                OptionalInt.empty()),
            "head -c 600m /dev/zero | tail");
    try {
      await(() -> state(id) == RuntimeSandbox.State.EXITED);

      RuntimeSandbox ended = runtime().find(id).orElseThrow();
      assertThat(ended.outOfMemory()).isTrue();
      assertThat(ended.exitCode()).isEqualTo(OptionalInt.of(137));
    } finally {
      runtime().remove(id, Duration.ZERO);
    }
  }

  private RuntimeSandbox.State state(String id) {
    return runtime().find(id).orElseThrow().state();
  }

  private String start(ResourceLimits limits, String script) {
    PreparedImage prepared = runtime().prepareImage(ImageRequest.of(image()), _ -> {});
    String id = UUID.randomUUID().toString();
    runtime()
        .create(
            new SandboxSpec(
                id,
                List.of("bash", "-c", script),
                Map.of(),
                limits,
                List.of(),
                Map.of(Labels.ID, id, Labels.MANUAL_CLEANUP, "true"),
                Optional.empty()),
            prepared);
    runtime().start(id);
    return id;
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("it happens").isLessThan(deadline);
      LockSupport.parkNanos(5_000_000);
    }
  }
}
