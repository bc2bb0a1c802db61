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
import io.opensandbox.runtime.SingleLimit;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/// What uses up more than it was given ends at its limit, is reported, and can be removed.
///
/// The Docker engine leaves two bounds to its operator: the disk (quotas are the storage driver's)
/// and the size of logs (the logging driver's `max-size`). There a bomb must say so by the
/// capability that is not offered, and go with its sandbox.
public abstract class BombTck {
  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final long PIDS = 64;
  private static final long MEMORY = 128L << 20;
  private static final long DISK = 20L << 20;

  /// The runtime under test.
  protected abstract SandboxRuntime runtime();

  /// An image on the host with bash and coreutils.
  protected abstract String image();

  private void assumeLimits() {
    assumeTrue(
        runtime().capabilities().has(Capabilities.Feature.RESOURCE_LIMITS), "there are no limits");
  }

  @Test
  void forkBomb_isContainedAndRemovable() {
    assumeLimits();
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
    assumeLimits();
    String id = start(SingleLimit.memory(MEMORY), "head -c 600m /dev/zero | tail");
    try {
      await(() -> state(id) == RuntimeSandbox.State.EXITED);

      RuntimeSandbox ended = runtime().find(id).orElseThrow();
      assertThat(ended.outOfMemory()).isTrue();
      assertThat(ended.exitCode()).isEqualTo(OptionalInt.of(137));
    } finally {
      runtime().remove(id, Duration.ZERO);
    }
  }

  @Test
  void diskBomb_endsAtItsLimit_whereLimitsOfTheDiskAreOffered() {
    boolean limited = runtime().capabilities().has(Capabilities.Feature.DISK_QUOTA);
    String id =
        start(
            limited ? SingleLimit.disk(DISK) : ResourceLimits.NONE,
            "head -c 60m /dev/urandom >/root/bomb && sync && echo written || echo refused");
    try {
      await(() -> state(id) == RuntimeSandbox.State.EXITED);

      assertThat(log(id, 1)).isEqualTo(limited ? "refused\n" : "written\n");
    } finally {
      runtime().remove(id, Duration.ZERO);
    }
    assertThat(runtime().find(id)).isEmpty();
  }

  @Test
  void floodOfOutput_isReadableToItsEnd_andGoesWithTheSandbox() {
    String id =
        start(
            ResourceLimits.NONE,
            "head -c 40m /dev/zero | tr '\\0' x | fold -w 1000; echo; echo the end");
    try {
      await(() -> state(id) == RuntimeSandbox.State.EXITED);

      assertThat(log(id, 1)).isEqualTo("the end\n");
      assertThat(log(id, 1000)).hasSizeLessThan(1 << 20);
    } finally {
      runtime().remove(id, Duration.ZERO);
    }
    assertThat(runtime().find(id)).isEmpty();
  }

  private String log(String id, int lines) {
    return runtime().logs(id, lines, Optional.empty(), false);
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
