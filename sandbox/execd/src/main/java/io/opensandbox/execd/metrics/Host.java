package io.opensandbox.execd.metrics;

import java.util.List;

/// The machine as `/proc` shows it.
final class Host {
  private final KernelFiles files;

  Host(KernelFiles files) {
    this.files = files;
  }

  /// Clock ticks since boot, over all processors.
  record CpuTicks(long busy, long total) {}

  CpuTicks cpuTicks() {
    List<String> lines = files.lines("/proc/stat");
    if (lines.isEmpty() || !lines.getFirst().startsWith("cpu ")) {
      return new CpuTicks(0, 0);
    }
    String[] fields = lines.getFirst().substring(4).strip().split(" ", -1);
    long total = 0;
    long idle = 0;
    // user nice system idle iowait irq softirq steal; guest times are part of user and nice
    for (int i = 0; i < Math.min(8, fields.length); i++) {
      long ticks = KernelFiles.parse(fields[i]).orElse(0);
      total += ticks;
      if (i == 3 || i == 4) {
        idle += ticks;
      }
    }
    return new CpuTicks(total - idle, total);
  }

  long memoryTotal() {
    return meminfo("MemTotal");
  }

  long memoryUsed() {
    return memoryTotal()
        - meminfo("MemFree")
        - meminfo("Buffers")
        - meminfo("Cached")
        - meminfo("SReclaimable");
  }

  private long meminfo(String key) {
    return files.keyed("/proc/meminfo", key).orElse(0) * 1024;
  }
}
