package io.opensandbox.execd.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogTest {
  private static final InstantSource CLOCK =
      InstantSource.fixed(Instant.parse("2026-06-15T08:30:00.250Z"));

  @TempDir Path folder;
  private final ByteArrayOutputStream stdout = new ByteArrayOutputStream();

  @Test
  void writesJsonLines() throws IOException {
    try (Log log = open(Level.INFO, "stdout")) {
      log.info("say \"hi\"");
    }

    assertThat(stdout.toString(StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"level\":\"info\",\"ts\":\"2026-06-15T08:30:00.250+0000\",\"msg\":\"say \\\"hi\\\"\"}\n");
  }

  @Test
  void leavesOutWhatIsBelowTheLevel() throws IOException {
    try (Log log = open(Level.ofFlag(4), "stdout")) {
      log.info("quiet");
      log.warn("loud");
    }

    assertThat(stdout.toString(StandardCharsets.UTF_8)).contains("loud").doesNotContain("quiet");
  }

  @Test
  void repeatsAreSampled() throws IOException {
    try (Log log = open(Level.INFO, "stdout")) {
      for (int i = 0; i < 1000; i++) {
        log.info("same");
      }
    }

    assertThat(stdout.toString(StandardCharsets.UTF_8).lines()).hasSize(109);
  }

  @Test
  void writesToFilesAndMakesTheirFolder() throws IOException {
    Path file = folder.resolve("a/execd.log");
    try (Log log = open(Level.INFO, file.toString())) {
      log.info("kept");
    }

    assertThat(Files.readString(file)).contains("kept");
  }

  @Test
  void fullFileIsPutAside() throws IOException {
    Path file = folder.resolve("execd.log");
    var sink = new FileSink(file, 100, CLOCK);
    for (int i = 0; i < 30; i++) {
      sink.write(
          ("line %02d".formatted(i) + "x".repeat(50) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(1 + FileSink.BACKUPS);
    }
    assertThat(Files.readString(file)).startsWith("line 29");
    assertThat(Files.readString(folder.resolve("execd.log.1"))).startsWith("line 28");
  }

  private Log open(Level level, String output) throws IOException {
    return Log.open(level, List.of(output), stdout, stdout, CLOCK);
  }
}
