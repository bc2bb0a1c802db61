package io.opensandbox.server.process;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// A dockerd of a test's own, in a network namespace of its own, with its data on a small disk in
/// memory. Needs root.
final class OwnEngine implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final List<String> IMAGES =
      List.of("opensandbox/execd:local", "opensandbox/busybox:local");

  private final Path folder;
  private final Path socket;
  private final EngineCommand docker;
  private Process process;

  /// Starts one with the images that the tests use; skips the test where that is not possible.
  OwnEngine() throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "dockerd needs root");
    EngineCommand shared = EngineCommand.shared();
    shared.obstacle().ifPresent(obstacle -> assumeTrue(false, obstacle));
    this.folder = Files.createTempDirectory("dockerd");
    this.socket = folder.resolve("s");
    this.docker = new EngineCommand("unix://" + socket);
    Files.createDirectory(data());
    run("mount", "-t", "tmpfs", "-o", "size=400m", "opensandbox-test", data().toString());
    this.process = launch();
    Path archive = folder.resolve("images.tar");
    shared.run("save", "--output", archive.toString(), IMAGES.get(0), IMAGES.get(1));
    docker.run("load", "--input", archive.toString());
    Files.delete(archive);
  }

  /// Where its containers and images are.
  Path data() {
    return folder.resolve("data");
  }

  EngineCommand docker() {
    return docker;
  }

  /// Stops it as an operator would; returns when it is gone.
  void stop() {
    process.destroy();
    awaitEnd();
  }

  /// Kills it with SIGKILL; returns when it is gone.
  void kill() {
    process.destroyForcibly();
    awaitEnd();
    try {
      // Its containerd died with it, but where nobody reaps orphans it seems to be alive.
      Files.deleteIfExists(folder.resolve("exec/containerd/containerd.pid"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Starts it again; returns when it answers.
  void restart() {
    try {
      process = launch();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Leaves no space on its disk; the result is deleted to make room again.
  Path fillDisk() {
    Path file = data().resolve("ballast");
    try (var out = Files.newOutputStream(file)) {
      byte[] bytes = new byte[1 << 16];
      while (Files.getFileStore(data()).getUsableSpace() > 0) {
        out.write(bytes);
      }
    } catch (IOException _) { // full
      return file;
    }
    return file;
  }

  private Process launch() throws IOException {
    Process started =
        new ProcessBuilder(
                "unshare",
                "--net",
                "sh",
                "-c",
                "ip link set lo up; exec dockerd \"$@\"",
                "dockerd",
                "--data-root",
                data().toString(),
                "--exec-root",
                folder.resolve("exec").toString(),
                "--pidfile",
                folder.resolve("pid").toString(),
                "--host",
                "unix://" + socket)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
            .start();
    var deadline = Deadline.in(PATIENCE);
    while (!answers()) {
      if (!started.isAlive()) {
        throw new IllegalStateException("dockerd ended while starting:\n" + log());
      }
      deadline.pauseOrFail(() -> "dockerd is not ready:\n" + log());
    }
    return started;
  }

  private boolean answers() {
    try {
      docker.run("version", "--format", "{{.Server.Version}}");
      return true;
    } catch (IllegalStateException _) { // not listening yet
      return false;
    }
  }

  private String log() {
    try {
      return Files.readString(folder.resolve("log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  private void awaitEnd() {
    try {
      if (!process.waitFor(PATIENCE)) {
        process.destroyForcibly();
        throw new IllegalStateException("dockerd does not end:\n" + log());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static void run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException(String.join(" ", command) + " failed: " + output);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    if (process.isAlive()) {
      for (String container : docker.run("ps", "--all", "--quiet")) {
        docker.run("rm", "--force", container);
      }
      stop();
    }
    run("umount", "--lazy", data().toString());
    // What a killed engine left mounted.
    run(
        "sh",
        "-c",
        "for one in \"$1\"/exec/netns/*; do umount -l \"$one\" 2>/dev/null || true; done",
        "sh",
        folder.toString());
    run("rm", "-rf", "--one-file-system", folder.toString());
  }
}
