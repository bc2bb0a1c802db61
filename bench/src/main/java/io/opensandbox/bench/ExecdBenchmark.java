package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Http;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// An execd executable of this machine, without any server: from the start of its process to the
/// first answer, and the memory of its processes, idle and after many commands.
final class ExecdBenchmark implements Benchmark {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration HIBERNATION_PATIENCE = Duration.ofSeconds(5);

  @Override
  public String name() {
    return "execd";
  }

  @Override
  public List<Result> run(Target target) {
    if (target.execd().isEmpty()) {
      return List.of();
    }
    var file = target.execd().get().toAbsolutePath();
    start(file, (_, _) -> {}); // the first start of a fresh executable unpacks it
    return measure(target, file);
  }

  private static List<Result> measure(Target target, Path file) {
    var ready = new Samples();
    for (int i = 0; i < target.times(50); i++) {
      start(file, (_, took) -> ready.add(took));
    }
    var results = new ArrayList<Result>();
    results.add(Result.of("execd-ready", ready));
    start(
        file,
        (running, _) -> {
          var idle = running.rssBytes();
          for (int i = 0; i < target.times(10_000); i++) {
            Commands.runTrue(running.execd());
          }
          results.add(
              Result.of("execd-rss", "idle_mib", mib(idle))
                  .with("after_commands_mib", mib(running.rssBytes())));
        });
    results.add(Result.of("execd-file", "mib", mib(size(file))));
    results.addAll(hibernation(target, file));
    return results;
  }

  private static List<Result> hibernation(Target target, Path file) {
    var wake = new Samples();
    var awake = new Samples();
    var memory = new ArrayList<Double>();
    for (int i = 0; i < target.times(50); i++) {
      start(
          file,
          (running, _) -> {
            if (running.sleeps(HIBERNATION_PATIENCE)) {
              memory.add(mib(running.rssBytes()));
              wake.measure(() -> running.execd().http().send("GET", "/ping").expect(200));
            } else {
              awake.fail();
            }
          },
          "--hibernate-after",
          "100ms");
      if (awake.failures() > 0) {
        System.err.println("bench: " + file + " does not hibernate; its wake is not measured");
        return List.of();
      }
    }
    return List.of(
        Result.of("execd-wake", wake)
            .with("asleep_mib", memory.stream().mapToDouble(Double::doubleValue).max().orElse(0)));
  }

  private static void start(Path file, Use use, String... arguments) {
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
      use.with(new Running(process, new Execd(http)), Duration.ofNanos(System.nanoTime() - begin));
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
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static double mib(long bytes) {
    return bytes / 1024.0 / 1024.0;
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private interface Use {
    void with(Running running, Duration took);
  }

  private record Running(Process process, Execd execd) {
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

    private static long rssBytes(long pid) {
      try {
        return Files.readAllLines(Path.of("/proc", String.valueOf(pid), "status")).stream()
            .filter(line -> line.startsWith("VmRSS:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
            .sum();
      } catch (IOException _) {
        return 0; // it ended meanwhile
      }
    }
  }
}
