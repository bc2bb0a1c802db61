package io.opensandbox.runtime.local.cgroup;

import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/// The processes of one sandbox where the host lets us have no cgroup: those in its network
/// namespace, which none can leave (the system call filter and the missing capabilities see to it).
///
/// It has no limits and cannot tell of a lack of memory. It freezes with `SIGSTOP`, which the
/// sandbox cannot refuse but its processes' parents can see.
public final class NamespaceGroup implements Group {
  private static final long NANOS_PER_TICK = 10_000_000;
  private static final long PAGE_BYTES = 4096;

  /// Fields of `/proc/PID/stat` after the name, proc(5): state, utime, stime, threads, rss.
  private static final int STATE = 0;

  private static final int USER_TICKS = 11;
  private static final int SYSTEM_TICKS = 12;
  private static final int THREADS = 17;
  private static final int RESIDENT = 21;

  private final Path network;
  private final Runner runner;

  /// @param network file of the sandbox's network namespace
  public NamespaceGroup(Path network, Runner runner) {
    this.network = network;
    this.runner = runner;
  }

  @Override
  public Set<Path> directories() {
    return Set.of();
  }

  @Override
  public Map<String, Path> visible() {
    return Map.of();
  }

  @Override
  public void make() {
    // The namespace is there before any process is.
  }

  @Override
  public void restrictDevices() {
    // No device can be made or opened without capabilities on the host.
  }

  @Override
  public void limit(ResourceLimits limits) {
    // Refused before, or accepted as not enforced by the operator's word.
  }

  @Override
  public boolean freeze() {
    // A child may be born after the list was read and before its parent is stopped: still is what
    // looks the same twice.
    AtomicReference<List<Long>> before = new AtomicReference<>(List.of());
    return Settling.until(() -> {
      List<Member> all = alive();
      // Also to one asleep in the kernel, which else would go on when it wakes.
      signal("STOP", all.stream().filter(one -> !one.isStopped()).map(Member::id).toList());
      List<Long> now = all.stream().map(Member::id).sorted().toList();
      return now.equals(before.getAndSet(now)) && all.stream().allMatch(Member::isStill);
    });
  }

  @Override
  public boolean thaw() {
    return Settling.until(() -> {
      List<Member> all = alive();
      // To all: in one that sleeps in the kernel the SIGSTOP may still wait.
      signal("CONT", all.stream().map(Member::id).toList());
      return all.stream().noneMatch(Member::isStopped);
    });
  }

  @Override
  public boolean isFrozen() {
    List<Member> all = alive();
    return all.stream().anyMatch(Member::isStopped) && all.stream().allMatch(Member::isStill);
  }

  private void signal(String name, List<Long> processes) {
    if (!processes.isEmpty()) {
      List<String> argv = new ArrayList<>(List.of("busybox", "kill", "-" + name));
      processes.forEach(id -> argv.add(Long.toString(id)));
      // One that has ended meanwhile is no failure.
      runner.run(Runner.Command.of(argv));
    }
  }

  @Override
  public List<Long> processes() {
    return alive().stream().map(Member::id).toList();
  }

  @Override
  public boolean kill() {
    return Settling.until(() -> {
      List<Long> left = processes();
      left.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
      return left.isEmpty();
    });
  }

  @Override
  public boolean exists() {
    return Files.exists(network);
  }

  @Override
  public boolean remove() {
    return processes().isEmpty();
  }

  @Override
  public long outOfMemoryKills() {
    return 0;
  }

  @Override
  public long cpuNanos() {
    return sum(USER_TICKS) * NANOS_PER_TICK + sum(SYSTEM_TICKS) * NANOS_PER_TICK;
  }

  @Override
  public long memoryBytes() {
    return sum(RESIDENT) * PAGE_BYTES;
  }

  @Override
  public long pids() {
    return sum(THREADS);
  }

  private long sum(int field) {
    return alive().stream().mapToLong(one -> Long.parseLong(one.stat().get(field))).sum();
  }

  /// Those that are not just waiting to be reaped.
  private List<Member> alive() {
    Optional<Path> wanted = namespace(network);
    if (wanted.isEmpty()) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(Path.of("/proc"))) {
      return entries
          .filter(path -> Character.isDigit(path.getFileName().toString().charAt(0)))
          .filter(path -> namespace(path.resolve("ns/net")).equals(wanted))
          .flatMap(path -> Member.read(path).stream())
          .filter(one -> !one.stat().get(STATE).equals("Z") && !one.stat().get(STATE).equals("X"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list processes", e);
    }
  }

  /// What tells one namespace from another: device and inode.
  private static Optional<Path> namespace(Path file) {
    try {
      if (Files.isSymbolicLink(file)) {
        return Optional.of(Files.readSymbolicLink(file));
      }
      return Optional.of(Path.of("net:[" + Files.getAttribute(file, "unix:ino") + "]"));
    } catch (IOException e) {
      // The process has ended or belongs to somebody else, or the namespace is gone.
      return Optional.empty();
    }
  }

  /// One process and its line in `/proc/PID/stat`, from the state on.
  private record Member(long id, List<String> stat) {
    static Optional<Member> read(Path directory) {
      try {
        String text = Files.readString(directory.resolve("stat"));
        String rest = text.substring(text.lastIndexOf(')') + 2).strip();
        return Optional.of(
            new Member(
                Long.parseLong(directory.getFileName().toString()), List.of(rest.split(" ", -1))));
      } catch (IOException e) {
        // It has ended.
        return Optional.empty();
      }
    }

    /// Stopped, or asleep in the kernel, as after vfork(2) until the child goes on.
    boolean isStill() {
      return isStopped() || stat.get(STATE).equals("D");
    }

    boolean isStopped() {
      return stat.get(STATE).equals("T") || stat.get(STATE).equals("t");
    }
  }
}
