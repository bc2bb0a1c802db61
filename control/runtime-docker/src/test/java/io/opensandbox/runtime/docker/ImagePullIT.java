package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.PreparedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Pulling from a real registry that wants a login (docker-runtime section 5).
final class ImagePullIT extends DockerFixture {
  private static final ImageRequest.Auth LOGIN = new ImageRequest.Auth("me", "s3cr3t");

  @TempDir static Path folder;

  private static TestRegistry registry;

  private final List<String> pulled = new ArrayList<>();

  @BeforeAll
  static void startRegistry() throws IOException {
    Optional<String> obstacle = TestRegistry.obstacle();
    assumeTrue(obstacle.isEmpty(), () -> obstacle.orElse(""));
    registry = TestRegistry.start(folder);
  }

  @AfterAll
  static void stopRegistry() {
    if (registry != null) {
      registry.close();
    }
  }

  @AfterEach
  void removePulled() {
    pulled.forEach(reference -> EngineObjects.docker("rmi", "--force", reference));
  }

  private static ImageRequest request(String reference, ImageRequest.Auth login) {
    return new ImageRequest(reference, Optional.of(login), Optional.empty());
  }

  @Test
  void login_pullsAPrivateImageOnce() {
    String reference = registry.push(TestImages.BUSYBOX, "private:1");
    pulled.add(reference);
    DockerRuntime runtime = open(TestImages.EXECD);
    List<String> told = new CopyOnWriteArrayList<>();
    assertThat(runtime.isImagePresent(request(reference, LOGIN))).isFalse();

    PreparedImage first = runtime.prepareImage(request(reference, LOGIN), told::add);

    assertThat(told).first().isEqualTo("Pulling image " + reference);
    assertThat(runtime.isImagePresent(request(reference, LOGIN))).isTrue();
    assertThat(prepare(runtime, TestImages.BUSYBOX).id()).isEqualTo(first.id());
    told.clear();
    assertThat(runtime.prepareImage(request(reference, LOGIN), told::add)).isEqualTo(first);
    assertThat(told).isEmpty();
  }

  @Test
  void wrongLogin_orNone_failsWithoutTellingThePassword() {
    String reference = registry.push(TestImages.BUSYBOX, "private:2");
    DockerRuntime runtime = open(TestImages.EXECD);
    ImageRequest.Auth wrong = new ImageRequest.Auth("me", "guessed-wrong");

    assertFails(
        ErrorCode.IMAGE_PULL_FAILED,
        "Failed to pull image " + reference + ": ",
        () -> prepare(runtime, reference));
    assertThatThrownBy(() -> runtime.prepareImage(request(reference, wrong), _ -> {}))
        .hasMessageStartingWith("Failed to pull image " + reference + ": ")
        .hasMessageNotContaining("guessed-wrong");
  }

  @Test
  void missingTag_failsWithTheRegistrysWords() {
    String reference = registry.push(TestImages.BUSYBOX, "private:3");
    String missing = reference.replace("private:3", "private:none");
    DockerRuntime runtime = open(TestImages.EXECD);

    assertFails(
        ErrorCode.IMAGE_PULL_FAILED,
        "manifest unknown",
        () -> runtime.prepareImage(request(missing, LOGIN), _ -> {}));
  }

  @Test
  void pullsOfOneImageAtOnce_shareTheWork() throws Exception {
    String reference = registry.push(TestImages.BUSYBOX, "private:4");
    pulled.add(reference);
    DockerRuntime runtime = open(TestImages.EXECD);
    List<Future<PreparedImage>> results = new ArrayList<>();

    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 8; i++) {
        results.add(threads.submit(() -> runtime.prepareImage(request(reference, LOGIN), _ -> {})));
      }
    }

    for (Future<PreparedImage> result : results) {
      assertThat(result.get()).isEqualTo(results.getFirst().get());
    }
  }

  @Test
  void removedImage_isNoticed() {
    String reference = registry.push(TestImages.BUSYBOX, "private:5");
    DockerRuntime runtime = open(TestImages.EXECD);
    runtime.prepareImage(request(reference, LOGIN), _ -> {});

    EngineObjects.docker("rmi", "--force", reference);

    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (runtime.isImagePresent(request(reference, LOGIN)) && System.nanoTime() < deadline) {
      LockSupport.parkNanos(1_000_000); // the engine's event is on its way
    }
    assertFails(ErrorCode.IMAGE_PULL_FAILED, reference, () -> prepare(runtime, reference));
  }
}
