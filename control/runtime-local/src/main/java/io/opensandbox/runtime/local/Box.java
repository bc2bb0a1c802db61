package io.opensandbox.runtime.local;

import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.local.cgroup.Group;
import io.opensandbox.runtime.local.engine.Engine;
import io.opensandbox.runtime.local.network.PortForwards.Forward;
import io.opensandbox.runtime.local.network.Slot;
import io.opensandbox.runtime.local.record.SandboxRecord;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/// One sandbox while the server runs: its record and what it holds.
final class Box {
  private static final int KILLED = 137;

  private final ReentrantLock lock = new ReentrantLock();
  private final Slot slot;
  private final Group cgroup;
  private final List<Forward> forwards;

  // Written with the lock held, read by anyone.
  private volatile SandboxRecord record;
  private volatile boolean starting;

  Box(SandboxRecord record, Slot slot, Group cgroup, List<Forward> forwards) {
    this.record = record;
    this.slot = slot;
    this.cgroup = cgroup;
    this.forwards = List.copyOf(forwards);
  }

  String id() {
    return record.id();
  }

  SandboxRecord record() {
    return record;
  }

  Slot slot() {
    return slot;
  }

  Group cgroup() {
    return cgroup;
  }

  List<Forward> forwards() {
    return forwards;
  }

  /// Runs `work` while nobody else changes the sandbox.
  <T> T locked(Supplier<T> work) {
    lock.lock();
    try {
      return work.get();
    } finally {
      lock.unlock();
    }
  }

  /// Call with the lock held.
  void replace(SandboxRecord changed) {
    record = changed;
  }

  /// Call with the lock held.
  void setStarting(boolean now) {
    starting = now;
  }

  /// What it looks like now.
  RuntimeSandbox view(Engine engine) {
    SandboxRecord now = record;
    if (!now.started() || starting) {
      return view(now, RuntimeSandbox.State.CREATED, OptionalInt.empty(), "", Optional.empty());
    }
    OptionalInt exit = engine.exitCode(now.id());
    if (exit.isEmpty() && !cgroup.processes().isEmpty()) {
      RuntimeSandbox.State state =
          cgroup.isFrozen() ? RuntimeSandbox.State.PAUSED : RuntimeSandbox.State.RUNNING;
      return view(now, state, OptionalInt.empty(), "", Optional.empty());
    }
    // Between the two looks it may have ended.
    exit = exit.isPresent() ? exit : engine.exitCode(now.id());
    boolean noted = exit.isPresent();
    return view(
        now,
        RuntimeSandbox.State.EXITED,
        noted ? exit : OptionalInt.of(KILLED),
        noted ? "" : "the processes vanished without an exit status",
        Optional.of(noted ? engine.endedAt(now.id()) : now.createdAt()));
  }

  private RuntimeSandbox view(
      SandboxRecord now,
      RuntimeSandbox.State state,
      OptionalInt exit,
      String error,
      Optional<Instant> endedAt) {
    boolean outOfMemory =
        exit.isPresent() && exit.getAsInt() == KILLED && cgroup.outOfMemoryKills() > 0;
    return new RuntimeSandbox(
        now.id(),
        state,
        exit,
        outOfMemory,
        error,
        now.createdAt(),
        endedAt,
        now.imageReference(),
        now.entrypoint(),
        now.labels());
  }
}
