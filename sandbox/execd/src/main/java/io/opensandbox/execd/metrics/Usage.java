package io.opensandbox.execd.metrics;

import io.opensandbox.protocol.execd.Metrics;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;

/// How much of the sandbox's processors and memory is in use.
public final class Usage {
  private static final long MEBIBYTE = 1024 * 1024;

  private final Sampler sampler;
  private Sampler.Reading before;

  private Usage(Sampler sampler) {
    this.sampler = sampler;
    this.before = sampler.read();
  }

  /// Reads this machine.
  public static Usage ofSystem(Clock clock) {
    return new Usage(
        new Sampler(
            new KernelFiles(Path.of("/")),
            new Sampler.Surroundings(
                Path.of("/"), Runtime.getRuntime()::availableProcessors, System::nanoTime, clock)));
  }

  /// What is in use at one moment.
  ///
  /// @param cpuPercent of all usable processors, since the reading before
  public record Reading(double cpuPercent, long memoryBytes) {}

  /// The numbers now.
  public synchronized Reading read() {
    Sampler.Reading now = sampler.read();
    try {
      Metrics metrics = sampler.between(before, now);
      before = now;
      return new Reading(metrics.cpuUsedPct(), (long) (metrics.memUsedMib() * MEBIBYTE));
    } catch (IOException _) { // the root file system cannot be asked; it is not part of the answer
      return new Reading(0, 0);
    }
  }
}
