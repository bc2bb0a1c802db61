package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeEvent;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.VolumeMount;
import io.opensandbox.runtime.docker.volume.SandboxVolumes;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/// Runtimes and sandboxes on the real engine that are taken away after each test.
abstract class DockerFixture {
  private final List<DockerRuntime> runtimes = new ArrayList<>();
  private final List<String> sandboxes = new ArrayList<>();

  @BeforeAll
  static void makeImages() throws IOException {
    Optional<String> obstacle = TestImages.obstacle();
    assumeTrue(obstacle.isEmpty(), () -> obstacle.orElse(""));
    TestImages.make();
  }

  @AfterEach
  void takeAway() {
    if (!runtimes.isEmpty()) {
      sandboxes.forEach(id -> runtimes.getFirst().remove(id, Duration.ZERO));
    }
    runtimes.forEach(DockerRuntime::close);
  }

  static DockerRuntimeConfig config(String execdImage) {
    return DockerRuntimeConfig.of(execdImage).withNetworkMode("bridge");
  }

  /// The same with other parts of it.
  static DockerRuntimeConfig config(
      DockerRuntimeConfig.Security security,
      List<String> allowedHostPaths,
      SandboxVolumes.Buckets buckets) {
    DockerRuntimeConfig plain = config(TestImages.EXECD);
    return new DockerRuntimeConfig(
        plain.engine(),
        plain.execdImage(),
        plain.networkMode(),
        plain.apiTimeout(),
        plain.hosts(),
        security,
        allowedHostPaths,
        buckets);
  }

  DockerRuntime open(String execdImage) {
    return open(config(execdImage));
  }

  DockerRuntime open(DockerRuntimeConfig config) {
    DockerRuntime runtime = DockerRuntime.open(config, Clock.systemUTC());
    runtimes.add(runtime);
    return runtime;
  }

  SandboxSpec spec(String... entrypoint) {
    return spec(Map.of(), ResourceLimits.NONE, List.of(), entrypoint);
  }

  SandboxSpec spec(
      Map<String, String> env,
      ResourceLimits limits,
      List<VolumeMount> volumes,
      String... entrypoint) {
    String id = UUID.randomUUID().toString();
    sandboxes.add(id);
    return new SandboxSpec(
        id,
        List.of(entrypoint),
        env,
        limits,
        volumes,
        // With an owner no server that runs on the same engine takes it for its own.
        Map.of(Labels.ID, id, "team", "red", Labels.PREFIX + "owner", "osb-docker-it"),
        Optional.empty());
  }

  static PreparedImage prepare(SandboxRuntime runtime, String image) {
    return runtime.prepareImage(ImageRequest.of(image), _ -> {});
  }

  /// Creates, starts and waits for the end; gives what was written.
  String output(SandboxRuntime runtime, String image, String script) {
    SandboxSpec spec = spec("sh", "-c", script);
    runtime.create(spec, prepare(runtime, image));
    runtime.start(spec.id());
    awaitEnd(runtime, spec.id());
    return runtime.logs(spec.id(), 100, Optional.empty(), false);
  }

  static RuntimeSandbox awaitEnd(SandboxRuntime runtime, String id) {
    BlockingQueue<RuntimeEvent> events = new LinkedBlockingQueue<>();
    try (SandboxRuntime.Subscription _ = runtime.subscribe(events::add)) {
      long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (System.nanoTime() < deadline) {
        RuntimeSandbox now = runtime.find(id).orElseThrow();
        if (now.state() == RuntimeSandbox.State.EXITED) {
          return now;
        }
        events.poll(100, TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return fail("sandbox %s does not end", id);
  }

  static void assertFails(ErrorCode code, String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            SandboxException.class, failure -> assertThat(failure.code()).isEqualTo(code))
        .hasMessageContaining(message);
  }
}
