package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Images go when there are too many, and never one that is needed.
class ImageCollectionIT {
  private static final long SIZE = 4L << 20;
  private static final List<String> NAMES = List.of("a", "b", "c", "d");

  /// Room for one image; busybox comes with each.
  private static final long ONE = SIZE + (3L << 20);

  private static Path directory;
  private TestRuntime test;

  @BeforeAll
  static void writeImages() throws IOException {
    directory = Files.createTempDirectory("osl-collection-");
    for (String name : NAMES) {
      TestImages.writeBig(directory.resolve(name), SIZE);
    }
  }

  @AfterAll
  static void removeImages() {
    TestRuntime.RUNNER.text("rm", "-rf", "--", directory.toString());
  }

  @BeforeEach
  void open() {
    test = withLimit(ONE);
  }

  /// @param limit bytes that images may take
  private static TestRuntime withLimit(long limit) {
    return TestRuntime.open(config -> {
      LocalConfig.Limits limits = config.limits();
      return TestRuntime.withLimits(
          TestRuntime.withSources(
              config, new LocalConfig.ImageSources(List.of(directory), List.of(), List.of())),
          new LocalConfig.Limits(
              limits.logBytes(),
              limit,
              limits.totalMemoryBytes(),
              limits.preparedNetworks(),
              limits.diskBytes(),
              limits.sandboxDiskBytes(),
              limits.required()));
    });
  }

  @AfterEach
  void close() {
    test.close();
  }

  private static ImageRequest request(String name) {
    return ImageRequest.of("oci:" + directory.resolve(name) + ":image");
  }

  private PreparedImage prepare(String name) {
    return test.runtime().prepareImage(request(name), _ -> {});
  }

  private boolean isPresent(String name) {
    return test.runtime().isImagePresent(request(name));
  }

  private String start(String name, String... command) {
    return test.start(prepare(name), ResourceLimits.NONE, command);
  }

  private void remove(String id) {
    test.runtime().remove(id, Duration.ZERO);
  }

  /// Runs a sandbox to its end; its image is then the last used one.
  private void use(String name) {
    assertThat(test.outputOf(prepare(name), "cat", "/name")).contains("/" + name);
  }

  @Test
  void aboveTheLimit_theLongestUnusedGo() {
    test.close();
    test = withLimit(3 * SIZE + SIZE / 2 + (8L << 20));
    NAMES.subList(0, 3).forEach(this::use);
    use("a");
    long layers = pulledLayers();

    use("d");

    test.await(() -> !isPresent("b"));
    assertThat(layers).isGreaterThanOrEqualTo(3);
    assertThat(List.of("a", "d")).allMatch(this::isPresent);
    use("b");
  }

  private long pulledLayers() {
    try {
      return test.layers("l-").size();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void imagesOfSandboxesAndSnapshots_stay() {
    String running = start("a", "sleep", "600");
    String paused = start("b", "sleep", "600");
    test.runtime().pause(paused);
    String source = start("c", "sh", "-c", "echo mine >/mine; echo ready; sleep 600");
    test.await(() -> test.logOf(source).contains("ready"));
    String snapshot = test.runtime().snapshot(source, UUID.randomUUID().toString());
    remove(source);

    use("d");

    test.await(() -> !isPresent("d"));
    assertThat(List.of("a", "b", "c")).allMatch(this::isPresent);
    assertThat(
            test.outputOf(
                test.runtime().prepareImage(ImageRequest.of(snapshot), _ -> {}),
                "cat",
                "/mine",
                "/name"))
        .isEqualTo("mine\n" + directory.resolve("c") + "\n");
    remove(running);
    test.await(() -> !isPresent("a"));
    test.runtime().resume(paused);
    assertThat(test.runtime().find(paused).orElseThrow().state())
        .isEqualTo(RuntimeSandbox.State.RUNNING);
    remove(paused);
    test.runtime().removeSnapshot(snapshot);
    use("d");
    test.await(() -> pulledLayers() == 1 && test.layers("snap-").isEmpty());
  }

  @Test
  void imageOfAFork_stays_whenItsSourceIsGone() {
    String source = start("a", "sh", "-c", "echo ready; sleep 600");
    test.await(() -> test.logOf(source).contains("ready"));
    String copy = UUID.randomUUID().toString();

    try (var point = test.runtime().fork(source)) {
      remove(source);
      use("b");
      test.await(() -> !isPresent("b"));
      point.copy(copy, java.util.Map.of());
    }
    test.runtime().start(copy);

    test.await(() -> test.logOf(copy).contains("ready"));
    remove(copy);
    use("b");
    test.await(() -> !isPresent("a"));
  }

  @Test
  void preparedImage_waitsForItsSandbox() {
    PreparedImage waits = prepare("a");

    use("b");

    test.await(() -> !isPresent("b"));
    assertThat(test.outputOf(waits, "cat", "/name")).contains("/a");
    use("b");
    test.await(() -> !isPresent("a"));
  }

  @Test
  void creates_whileTheirImagesAreCollected_succeed() throws Exception {
    List<String> outputs = new ArrayList<>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> running = new ArrayList<>();
      for (int i = 0; i < 24; i++) {
        String name = NAMES.get(i % NAMES.size());
        running.add(threads.submit(() -> test.outputOf(prepare(name), "cat", "/name")));
      }
      for (Future<String> one : running) {
        outputs.add(one.get());
      }
    }

    assertThat(outputs).hasSize(24).allMatch(text -> text.startsWith(directory.toString()));
    test.await(() -> pulledLayers() <= 1 && NAMES.stream().filter(this::isPresent).count() <= 1);
  }

  @Test
  void restart_collectsWhatAnEarlierServerLeft() throws IOException {
    String running = start("a", "sleep", "600");
    PreparedImage _ = prepare("b");
    test.runtime().close();
    Path orphan = Files.createDirectory(test.root().resolve("layers/l-orphan"));
    Path login = Files.createDirectories(test.root().resolve("downloads/pull-killed"));
    Files.writeString(login.resolve("auth.json"), "{}");

    test.reopen();

    test.await(() -> !isPresent("b") && !Files.exists(orphan));
    assertThat(login).doesNotExist();
    assertThat(isPresent("a")).isTrue();
    assertThat(test.runtime().find(running).orElseThrow().state())
        .isEqualTo(RuntimeSandbox.State.RUNNING);
    remove(running);
    use("b");
    test.await(() -> pulledLayers() == 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "zstd"})
  void bomb_isRefused_andLeavesNothing(String compression) throws IOException {
    Path bomb = directory.resolve("bomb-" + compression);
    TestImages.writeBomb(bomb, 64L << 20, compression);
    String running = start("a", "sleep", "600");

    assertThatThrownBy(() -> prepare(bomb.getFileName().toString()))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.IMAGE_PULL_FAILED))
        .hasMessageContaining(
            "it unpacks to more than the %d bytes that images may take (local.image_max_bytes)",
            ONE);

    test.await(() -> pulledLayers() == 1 && test.layers("tmp-").isEmpty());
    assertThat(isPresent(bomb.getFileName().toString())).isFalse();
    remove(running);
  }
}
