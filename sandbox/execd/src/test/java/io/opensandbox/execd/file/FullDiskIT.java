package io.opensandbox.execd.file;

import static io.opensandbox.execd.file.FileServer.end;
import static io.opensandbox.execd.file.FileServer.metadata;
import static io.opensandbox.execd.file.FileServer.part;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.execd.http.RawClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Needs root: mounts a file system of one mebibyte.
@Timeout(180)
class FullDiskIT {
  private static final String TOO_MUCH = "x".repeat(4 << 20);

  @TempDir private Path directory;
  private Path disk;
  private boolean mounted;
  private FileServer server;

  @BeforeEach
  void start() throws Exception {
    disk = Files.createDirectory(directory.resolve("disk"));
    mounted = run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString()) == 0;
    assumeTrue(mounted, "a file system can be mounted only by root");
    server = new FileServer(directory);
  }

  @AfterEach
  void stop() throws Exception {
    if (mounted) {
      server.close();
      // A lazy one does not mind what is still open.
      assertThat(run("umount", "-l", disk.toString())).isZero();
    }
  }

  @Test
  void anUploadThatDoesNotFitGets507AndLeavesTheOldFileWhole() throws IOException {
    Path file = Files.writeString(disk.resolve("file"), "old");

    RawClient.Response refused = server.upload(metadata(file) + part("file", TOO_MUCH) + end());

    assertThat(refused.status()).isEqualTo(507);
    assertThat(refused.body()).contains("INSUFFICIENT_STORAGE").contains("No space left");
    assertThat(file).hasContent("old");
    assertThat(names()).containsExactly("file");
  }

  @Test
  void anUploadWithoutMetadataBeforeItDoesNotLeaveAnythingEither() throws IOException {
    Path file = disk.resolve("file");

    RawClient.Response refused = server.upload(part("file", TOO_MUCH) + metadata(file) + end());

    assertThat(refused.status()).isEqualTo(507);
    assertThat(names()).isEmpty();
  }

  @Test
  void aReplacementThatDoesNotFitLeavesTheOldFileWhole() throws IOException {
    Path file = Files.writeString(disk.resolve("file"), "a".repeat(1000));

    RawClient.Response refused =
        server.post(
            "/files/replace", "{'%s':{'old':'a','new':'%s'}}".formatted(file, "b".repeat(10_000)));

    assertThat(refused.status()).isEqualTo(507);
    assertThat(file).hasContent("a".repeat(1000));
    assertThat(names()).containsExactly("file");
  }

  @Test
  void whatFitsIsWrittenAfterwards() throws IOException {
    Path file = disk.resolve("file");
    assertThat(server.upload(metadata(file) + part("file", TOO_MUCH) + end()).status())
        .isEqualTo(507);

    RawClient.Response taken = server.upload(metadata(file) + part("file", "small") + end());

    assertThat(taken.status()).isEqualTo(200);
    assertThat(file).hasContent("small");
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(disk)) {
      return files.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private static int run(String... command) throws Exception {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }
}
