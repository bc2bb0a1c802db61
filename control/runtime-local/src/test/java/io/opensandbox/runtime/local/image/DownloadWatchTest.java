package io.opensandbox.runtime.local.image;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DownloadWatchTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir private Path directory;

  private DownloadWatch watch() throws IOException {
    return new DownloadWatch(directory, 100, PATIENCE, 0);
  }

  private static long second(int number) {
    return Duration.ofSeconds(number).toNanos();
  }

  @Test
  void download_mayGrowToTheLimit_besideWhatWasThere() throws IOException {
    Files.write(Files.createDirectory(directory.resolve("blobs")).resolve("kept"), new byte[500]);
    DownloadWatch watch = watch();

    Files.write(directory.resolve("temporary"), new byte[60]);
    Files.write(directory.resolve("blobs/done"), new byte[40]);
    assertThatCode(() -> watch.check(second(1))).doesNotThrowAnyException();

    Files.write(directory.resolve("another"), new byte[1]);
    assertThatThrownBy(() -> watch.check(second(1)))
        .hasMessageContaining("100 bytes")
        .hasMessageContaining("local.image_max_bytes");
    assertThatThrownBy(watch::checkBytes).hasMessageContaining("local.image_max_bytes");
  }

  @Test
  void download_mayPause_butNoLongerThanThat() throws IOException {
    DownloadWatch watch = watch();

    Files.write(directory.resolve("temporary"), new byte[1]);
    assertThatCode(() -> watch.check(second(61))).doesNotThrowAnyException();
    Files.write(directory.resolve("temporary"), new byte[2]);
    assertThatCode(() -> watch.check(second(121))).doesNotThrowAnyException();

    assertThatCode(() -> watch.check(second(181))).doesNotThrowAnyException();
    assertThatThrownBy(() -> watch.check(second(182)))
        .hasMessage("the registry sent nothing for 60 seconds");
  }
}
