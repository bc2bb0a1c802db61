package io.opensandbox.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// An execd executable of this machine, without any server: from the start of its process to the
/// first answer, and the memory of its processes, idle and after many commands.
final class ExecdBenchmark implements Benchmark {
  private static final Duration HIBERNATION_PATIENCE = Duration.ofSeconds(20);

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
    LocalExecd.start(file, (_, _) -> {}); // the first start of a fresh executable unpacks it
    return measure(target, file);
  }

  private static List<Result> measure(Target target, Path file) {
    var ready = new Samples();
    for (int i = 0; i < target.times(50); i++) {
      LocalExecd.start(file, (_, took) -> ready.add(took));
    }
    var results = new ArrayList<Result>();
    results.add(Result.of("execd-ready", ready));
    LocalExecd.start(
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
      LocalExecd.start(
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
}
