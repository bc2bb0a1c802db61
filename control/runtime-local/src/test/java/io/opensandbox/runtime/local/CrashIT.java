package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.local.image.Images;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A killed server leaves nothing that the next one does not adopt or remove; cycles leave nothing
/// at all.
class CrashIT {
  private static final int CYCLES = Integer.getInteger("osl.cycles", 40);

  private TestRuntime test;

  @BeforeEach
  void open() {
    test = TestRuntime.open();
  }

  @AfterEach
  void close() {
    test.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {300, 777, 1500})
  void killedServer_isCleanedUpAfter(int millis) throws Exception {
    test.runtime().close();
    String stays = killAfter(millis);

    test.reopen();

    assertThat(test.runtime().find(stays))
        .map(RuntimeSandbox::state)
        .contains(RuntimeSandbox.State.RUNNING);
    for (RuntimeSandbox one : test.runtime().list()) {
      test.runtime().remove(one.id(), Duration.ZERO);
    }
    assertThat(test.runtime().list()).isEmpty();
    test.await(() -> entries("sandboxes") == 0 && entries("trash") == 0);
    test.runtime().close();
    // A program that the killed server had started may still be undoing what it made.
    test.await(() -> leftovers().equals(Leftovers.NONE));
    test.reopen();
  }

  /// Runs a server, kills it and returns the sandbox that it made first.
  private String killAfter(int millis) throws IOException, InterruptedException {
    Process server =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                KilledServer.class.getName(),
                test.directory().resolve("data").toString(),
                test.directory().resolve("execd").toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader out = server.inputReader(StandardCharsets.UTF_8)) {
      String line = out.readLine();
      while (line != null && !line.startsWith("stays ")) {
        line = out.readLine();
      }
      assertThat(server.waitFor(millis, TimeUnit.MILLISECONDS)).isFalse();
      server.destroyForcibly().waitFor();
      assertThat(line).isNotNull();
      return line.substring("stays ".length());
    }
  }

  @Test
  void cycles_leaveNothing() throws Exception {
    test.start(test.host(), ResourceLimits.NONE, "sleep", "600");
    for (int i = 0; i < 3; i++) {
      cycle();
    }
    int networks = 1 + LocalConfig.Limits.DEFAULT.preparedNetworks();
    // A network that is being made has a namespace before it has a cable.
    test.await(() -> leftovers().namespaces() == networks && leftovers().cables() == networks);
    long filesBefore = openFiles();
    Leftovers before = leftovers();

    for (int i = 0; i < CYCLES; i++) {
      cycle();
    }

    test.await(() -> entries("trash") == 0 && leftovers().isWithin(before));
    test.await(() -> openFiles() <= filesBefore + 4);
    assertThat(entries("sandboxes")).isEqualTo(1);
  }

  private void cycle() {
    String id = test.start(test.host(), ResourceLimits.NONE, "sleep", "600");
    test.runtime().remove(id, Duration.ZERO);
  }

  private Leftovers leftovers() {
    String data = test.directory().resolve("data").toString();
    return Leftovers.of("osl" + Images.hash(data).substring(0, 6), data);
  }

  private long entries(String name) throws IOException {
    try (Stream<Path> entries = Files.list(test.root().resolve(name))) {
      return entries.count();
    }
  }

  private static long openFiles() {
    try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
      return entries.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
