package io.opensandbox.execd.metrics;

import io.opensandbox.protocol.execd.Metrics;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/// Reads numbers and makes [Metrics] of two readings.
final class Sampler {
  private static final double MEBIBYTE = 1024 * 1024;

  private final Cgroup cgroup;
  private final Host host;
  private final Path disk;
  private final IntSupplier processors;
  private final LongSupplier nanoTime;
  private final Clock clock;

  /// What the time sources and the machine's size are.
  ///
  /// @param disk a path on the file system whose fill level is told
  /// @param processors those that this process may run on
  record Surroundings(Path disk, IntSupplier processors, LongSupplier nanoTime, Clock clock) {}

  Sampler(KernelFiles files, Surroundings surroundings) {
    this.cgroup = new Cgroup(files);
    this.host = new Host(files);
    this.disk = surroundings.disk;
    this.processors = surroundings.processors;
    this.nanoTime = surroundings.nanoTime;
    this.clock = surroundings.clock;
  }

  /// CPU counters at one moment.
  ///
  /// @param groupNanos empty outside a group of our own
  record Reading(long nanoTime, OptionalLong groupNanos, Host.CpuTicks ticks) {}

  Reading read() {
    return new Reading(nanoTime.getAsLong(), cgroup.cpuNanos(), host.cpuTicks());
  }

  /// How long ago a reading was taken, in nanoseconds.
  long age(Reading reading) {
    return nanoTime.getAsLong() - reading.nanoTime;
  }

  /// The numbers for the time between two readings.
  Metrics between(Reading before, Reading after) throws IOException {
    FileStore store = Files.getFileStore(disk);
    OptionalDouble quota = cgroup.cpuQuota();
    double count = processors.getAsInt();
    double usable = quota.isPresent() ? Math.min(quota.getAsDouble(), count) : count;
    OptionalLong limit = cgroup.memoryLimit();
    long hostTotal = host.memoryTotal();
    long total = limit.isPresent() ? Math.min(limit.getAsLong(), hostTotal) : hostTotal;
    long used = cgroup.memoryUsed().orElseGet(host::memoryUsed);
    return new Metrics(
        Math.max(1, Math.floor(usable)),
        cpuShare(before, after, usable),
        total / MEBIBYTE,
        Math.clamp(used, 0, total) / MEBIBYTE,
        clock.millis(),
        store.getTotalSpace() / MEBIBYTE,
        (store.getTotalSpace() - store.getUnallocatedSpace()) / MEBIBYTE,
        cgroup.pidsUsed().orElse(0),
        cgroup.pidsLimit().orElse(0));
  }

  private static double cpuShare(Reading before, Reading after, double usable) {
    double share;
    if (before.groupNanos.isPresent() && after.groupNanos.isPresent()) {
      double used = after.groupNanos.getAsLong() - before.groupNanos.getAsLong();
      share = used / ((after.nanoTime - before.nanoTime) * usable);
    } else {
      double busy = after.ticks.busy() - before.ticks.busy();
      share = busy / Math.max(1, after.ticks.total() - before.ticks.total());
    }
    return Double.isFinite(share) ? Math.clamp(share * 100, 0, 100) : 0;
  }
}
