package io.opensandbox.runtime.local.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.local.process.HostRunner;
import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Registries that send without end, or nothing.
class ImagePullIT {
  private static final long MAX_BYTES = 4L << 20;
  private static final long SECONDS = 60;

  @TempDir private Path directory;

  private void pull(HostileRegistry registry, Duration patience) {
    Runner runner = new HostRunner(HostRunner.USUAL_PATH);
    ImagePull pull =
        new ImagePull(
            directory.resolve("downloads"),
            new Layers(directory.resolve("layers"), runner),
            "amd64",
            List.of(),
            List.of(),
            new ImagePull.Limits(MAX_BYTES, patience),
            runner);
    try (Holds.Hold hold = new Holds().open()) {
      pull.pull(ImageRequest.of(registry.image()), hold, _ -> {});
    }
  }

  @Test
  void layerWithoutEnd_isCutOff_howeverSmallTheManifestSaysItIs() throws Exception {
    byte[] zeros = new byte[64 << 10];
    try (HostileRegistry registry =
        new HostileRegistry(out -> {
          while (true) {
            out.write(zeros);
          }
        })) {

      assertThatThrownBy(() -> pull(registry, Duration.ofSeconds(SECONDS)))
          .hasMessageContaining("local.image_max_bytes");

      assertThat(registry.gone().await(SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(left()).isEmpty();
    }
  }

  @Test
  void registryThatFallsSilent_isNotWaitedFor() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    try (HostileRegistry registry =
        new HostileRegistry(out -> {
          out.write(1);
          out.flush();
          end.await();
        })) {

      assertThatThrownBy(() -> pull(registry, Duration.ofSeconds(5)))
          .hasMessageContaining("sent nothing for 5 seconds");

      assertThat(left()).isEmpty();
    }
  }

  /// Files of downloads.
  private List<Path> left() throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve("downloads"))) {
      return files.filter(Files::isRegularFile).toList();
    }
  }
}
