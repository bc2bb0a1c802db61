package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Http;
import io.opensandbox.runtime.FreePort;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// An execd of this machine that runs without any server.
///
/// @param port where it listens on loopback
record LocalExecd(Process process, int port, Execd execd) {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /// Waits until the JVM is gone and only the launcher is left.
  boolean sleeps(Duration patience) {
    try {
      Deadline.in(patience).await(() -> process.descendants().findAny().isEmpty(), "awake");
      return true;
    } catch (IllegalStateException _) {
      return false; // it still runs when the time is up
    }
  }

  /// Resident memory of the process and all its descendants.
  long rssBytes() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants())
        .mapToLong(handle -> rssBytes(handle.pid()))
        .sum();
  }

  /// Resident memory of one process; zero when it has ended.
  static long rssBytes(long pid) {
    try {
      return Files.readAllLines(Path.of("/proc", String.valueOf(pid), "status")).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .sum();
    } catch (IOException _) {
      return 0; // it ended meanwhile
    }
  }

  /// Starts the executable on a free port, waits for its first answer and ends it after `use`.
  static void start(Path file, Use use, String... arguments) {
    var port = freePort();
    var command = new ArrayList<>(List.of(file.toString(), "--port", String.valueOf(port)));
    command.addAll(List.of(arguments));
    var begin = System.nanoTime();
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    try (var http = Http.to("http://127.0.0.1:" + port, Map.of(), PATIENCE)) {
      var deadline = Deadline.in(PATIENCE);
      while (!answers(http)) {
        deadline.pauseOrFail(file + " does not answer");
      }
      use.with(
          new LocalExecd(process, port, new Execd(http)),
          Duration.ofNanos(System.nanoTime() - begin));
    } finally {
      end(process);
    }
  }

  private static boolean answers(Http http) {
    try {
      return http.send("GET", "/ping").status() == 200;
    } catch (UncheckedIOException _) {
      return false; // the port is not bound yet
    }
  }

  private static void end(Process process) {
    process.destroy();
    try {
      if (!process.waitFor(PATIENCE)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private static int freePort() {
    try {
      return FreePort.find();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What is done with it.
  interface Use {
    /// Uses it.
    ///
    /// @param took from the start of its process to the first answer
    void with(LocalExecd running, Duration took);
  }
}
