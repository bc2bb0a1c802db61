package io.opensandbox.runtime.local.cgroup;

import io.opensandbox.runtime.ResourceLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// The control group of one sandbox, in however many hierarchies the host has.
public final class Cgroup implements Group {
  /// Controllers of v1 that are used where they exist.
  static final Set<String> V1_CONTROLLERS =
      Set.of("cpu", "cpuacct", "memory", "pids", "freezer", "devices", "cpuset");

  private static final long PERIOD_MICROS = 100_000;

  /// What `/dev` of a sandbox holds: null, zero, full, random, urandom, tty, ptmx, terminals.
  private static final List<String> DEVICES =
      List.of(
          "c 1:3 rwm",
          "c 1:5 rwm",
          "c 1:7 rwm",
          "c 1:8 rwm",
          "c 1:9 rwm",
          "c 5:0 rwm",
          "c 5:2 rwm",
          "c 136:* rwm");

  private final Map<String, Path> v1;
  private final Optional<Path> v2;

  Cgroup(Map<String, Path> v1, Optional<Path> v2) {
    this.v1 = new TreeMap<>(v1);
    this.v2 = v2;
  }

  /// The directories that a process joins to be in this group.
  @Override
  public Set<Path> directories() {
    Set<Path> all = new TreeSet<>(v1.values());
    v2.ifPresent(all::add);
    return all;
  }

  /// The directory of a v1 controller, or of v2, to be shown to the sandbox read-only.
  @Override
  public Map<String, Path> visible() {
    return v2.map(path -> Map.of("", path)).orElse(v1);
  }

  /// Makes the group; existing ones are fine.
  @Override
  public void make() {
    for (Path directory : directories()) {
      try {
        Files.createDirectories(directory);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot make cgroup " + directory, e);
      }
    }
    Path cpuset = v1.get("cpuset");
    if (cpuset != null) {
      inherit(cpuset, "cpuset.cpus");
      inherit(cpuset, "cpuset.mems");
    }
  }

  /// A v1 cpuset starts empty and cannot be joined until it has CPUs and memory nodes.
  private static void inherit(Path group, String file) {
    String parents = read(group.resolveSibling(file).toAbsolutePath()).orElse("");
    if (read(group.resolve(file)).orElse("").isBlank()) {
      write(group.resolve(file), parents.strip());
    }
  }

  /// Allows only harmless devices; v2 hosts rely on `nodev` mounts and the missing `MKNOD` alone.
  @Override
  public void restrictDevices() {
    Path devices = v1.get("devices");
    if (devices != null) {
      write(devices.resolve("devices.deny"), "a");
      DEVICES.forEach(rule -> write(devices.resolve("devices.allow"), rule));
    }
  }

  /// Sets the limits that are given; the others stay as they are.
  @Override
  public void limit(ResourceLimits limits) {
    limits.nanoCpus().ifPresent(this::limitCpu);
    limits.memoryBytes().ifPresent(this::limitMemory);
    limits.pids().ifPresent(count -> write(file("pids", "pids.max"), Long.toString(count)));
  }

  private void limitCpu(long nanoCpus) {
    long quota = Math.max(1_000, nanoCpus * PERIOD_MICROS / 1_000_000_000);
    if (v2.isPresent()) {
      write(v2.get().resolve("cpu.max"), quota + " " + PERIOD_MICROS);
    } else {
      write(file("cpu", "cpu.cfs_period_us"), Long.toString(PERIOD_MICROS));
      write(file("cpu", "cpu.cfs_quota_us"), Long.toString(quota));
    }
  }

  private void limitMemory(long bytes) {
    if (v2.isPresent()) {
      write(v2.get().resolve("memory.max"), Long.toString(bytes));
      writeIfThere(v2.get().resolve("memory.swap.max"), Long.toString(bytes));
      return;
    }
    Path limit = file("memory", "memory.limit_in_bytes");
    Path withSwap = file("memory", "memory.memsw.limit_in_bytes");
    long swapped = Math.multiplyExact(bytes, 2L);
    // The limit with swap may never be below the one without, so the order depends on direction.
    if (Files.exists(withSwap) && number(withSwap).orElse(Long.MAX_VALUE) < bytes) {
      write(withSwap, Long.toString(swapped));
      write(limit, Long.toString(bytes));
    } else {
      write(limit, Long.toString(bytes));
      writeIfThere(withSwap, Long.toString(swapped));
    }
  }

  /// Whether its processes can have this much more memory, or an eighth of its limit if that is
  /// less. What the kernel can take back from the page cache counts as free.
  boolean hasMemory(long bytes) {
    long limit =
        number(file("memory", v2.isPresent() ? "memory.max" : "memory.limit_in_bytes"))
            .orElse(Long.MAX_VALUE);
    long left = limit - memoryBytes();
    long wanted = Math.min(bytes, limit / 8);
    return left >= wanted || left + cached() >= wanted;
  }

  private long cached() {
    String prefix = v2.isPresent() ? "" : "total_";
    return read(file("memory", "memory.stat"))
        .orElse("")
        .lines()
        .filter(line ->
            line.startsWith(prefix + "inactive_file ") || line.startsWith(prefix + "active_file "))
        .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1)))
        .sum();
  }

  /// Stops all processes where they are.
  ///
  /// @return whether they were frozen at the time of return
  @Override
  public boolean freeze() {
    if (v2.isPresent()) {
      write(freezer(), "1");
      return Settling.until(this::isFrozen);
    }
    // Asked again each time: a v1 freezer that met a process in vfork(2) stays FREEZING for good,
    // though nothing in it runs any more, until it is told once more (Linux 6.18, 3 of 1,400).
    return Settling.until(() -> {
      write(freezer(), "FROZEN");
      return isFrozen();
    });
  }

  /// Lets frozen processes go on.
  ///
  /// @return whether they were thawed at the time of return
  @Override
  public boolean thaw() {
    if (!exists()) {
      return true;
    }
    write(freezer(), v2.isPresent() ? "0" : "THAWED");
    return Settling.until(() -> !isFrozen());
  }

  /// Whether all processes are frozen.
  @Override
  public boolean isFrozen() {
    if (v2.isPresent()) {
      return read(v2.get().resolve("cgroup.events")).orElse("").contains("frozen 1");
    }
    return read(freezer()).orElse("").startsWith("FROZEN");
  }

  private Path freezer() {
    return v2.map(path -> path.resolve("cgroup.freeze"))
        .orElseGet(() -> file("freezer", "freezer.state"));
  }

  /// Processes in the group, by the host's numbers.
  @Override
  public List<Long> processes() {
    return read(anyDirectory().resolve("cgroup.procs"))
        .map(text -> text.lines().map(Long::valueOf).toList())
        .orElse(List.of());
  }

  /// Kills every process and returns when none is left.
  ///
  /// @return whether the group is empty
  @Override
  public boolean kill() {
    if (!exists()) {
      return true;
    }
    if (v2.isPresent()) {
      writeIfThere(v2.get().resolve("cgroup.kill"), "1");
    }
    return Settling.until(() -> {
      List<Long> left = processes();
      left.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
      // A frozen process dies only once it is thawed; a fork bomb loses the race when frozen.
      if (!left.isEmpty() && isFrozen()) {
        write(freezer(), v2.isPresent() ? "0" : "THAWED");
      }
      return left.isEmpty();
    });
  }

  /// Whether the group is there.
  @Override
  public boolean exists() {
    return Files.isDirectory(anyDirectory());
  }

  /// Removes the empty group.
  ///
  /// @return false when processes were still in it
  @Override
  public boolean remove() {
    return Settling.until(this::removeDirectories);
  }

  private boolean removeDirectories() {
    boolean gone = true;
    for (Path directory : directories()) {
      try {
        Files.deleteIfExists(directory);
      } catch (DirectoryNotEmptyException e) {
        gone &= removeBelow(directory);
      } catch (IOException e) {
        // EBUSY until the last process has been reaped.
        gone = false;
      }
    }
    return gone;
  }

  /// Groups that something made below ours go first; the caller tries ours again.
  private static boolean removeBelow(Path directory) {
    try (var entries = Files.walk(directory)) {
      for (Path below :
          entries.filter(Files::isDirectory).sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(below);
      }
      return true;
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }

  /// How often the kernel killed something here for memory.
  @Override
  public long outOfMemoryKills() {
    String text =
        v2.map(path -> read(path.resolve("memory.events")))
            .orElseGet(() -> read(file("memory", "memory.oom_control")))
            .orElse("");
    return text.lines()
        .filter(line -> line.startsWith("oom_kill "))
        .mapToLong(line -> Long.parseLong(line.substring("oom_kill ".length()).strip()))
        .sum();
  }

  /// CPU time used so far, in nanoseconds.
  @Override
  public long cpuNanos() {
    if (v2.isPresent()) {
      return read(v2.get().resolve("cpu.stat"))
          .orElse("")
          .lines()
          .filter(line -> line.startsWith("usage_usec "))
          .mapToLong(line -> Long.parseLong(line.substring("usage_usec ".length())) * 1000)
          .sum();
    }
    return v1.containsKey("cpuacct") ? number(file("cpuacct", "cpuacct.usage")).orElse(0) : 0;
  }

  /// Memory in use, page cache included.
  @Override
  public long memoryBytes() {
    return number(
            v2.map(path -> path.resolve("memory.current"))
                .orElseGet(() -> file("memory", "memory.usage_in_bytes")))
        .orElse(0);
  }

  /// Processes and threads.
  @Override
  public long pids() {
    return number(file("pids", "pids.current")).orElse(0);
  }

  private Path file(String controller, String name) {
    Path directory = v2.orElseGet(() -> v1.get(controller));
    if (directory == null) {
      throw new IllegalStateException("the host has no cgroup controller " + controller);
    }
    return directory.resolve(name);
  }

  private Path anyDirectory() {
    return directories().iterator().next();
  }

  private static OptionalLong number(Path file) {
    return read(file)
        .map(String::strip)
        .filter(text -> text.matches("\\d{1,18}"))
        .map(text -> OptionalLong.of(Long.parseLong(text)))
        .orElse(OptionalLong.empty());
  }

  private static Optional<String> read(Path file) {
    try {
      return Optional.of(Files.readString(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      if ("No such device".equals(e.getMessage())) {
        // ENODEV: the group was removed between open and read.
        return Optional.empty();
      }
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static void writeIfThere(Path file, String value) {
    if (Files.exists(file)) {
      write(file, value);
    }
  }

  private static void write(Path file, String value) {
    try {
      Files.writeString(file, value, java.nio.file.StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write \"" + value + "\" to " + file, e);
    }
  }
}
