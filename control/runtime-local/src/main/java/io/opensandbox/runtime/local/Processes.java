package io.opensandbox.runtime.local;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox.State;
import io.opensandbox.runtime.SandboxStats;
import io.opensandbox.runtime.local.engine.Engine;
import io.opensandbox.runtime.local.engine.ExitWatch;
import io.opensandbox.runtime.local.record.SandboxRecord;
import java.io.UncheckedIOException;
import java.time.Duration;

/// Starts, freezes, limits and ends the processes of sandboxes.
final class Processes {
  private final Engine engine;
  private final ExitWatch watch;
  private final Store store;
  private final long hostMemory;

  /// @param hostMemory bytes, what a sandbox without a limit may use
  Processes(Engine engine, ExitWatch watch, Store store, long hostMemory) {
    this.engine = engine;
    this.watch = watch;
    this.store = store;
    this.hostMemory = hostMemory;
  }

  /// Starts a sandbox that never ran.
  ///
  /// @return false when it was started before
  boolean start(Box box) {
    return box.locked(() -> {
      boolean isNew = !box.record().started();
      if (isNew) {
        launch(box);
      }
      return isNew;
    });
  }

  private void launch(Box box) {
    SandboxRecord record = box.record();
    box.setStarting(true);
    try {
      box.cgroup().make();
      box.cgroup().restrictDevices();
      box.cgroup().limit(record.limits());
      watch.watch(record.id(), engine.makeNotes(record.id()));
      store.save(record.asStarted());
      box.replace(record.asStarted());
      engine.start(record, box.slot().path(), box.cgroup());
      watch.follow(record.id());
    } catch (Engine.StartFailure | UncheckedIOException e) {
      throw new SandboxException(
          ErrorCode.START_FAILED,
          "cannot start sandbox \"" + record.id() + "\": " + e.getMessage(),
          e);
    } finally {
      box.setStarting(false);
    }
  }

  /// Freezes a running sandbox.
  void pause(Box box) {
    box.locked(() -> {
      require(box, State.RUNNING, ErrorCode.SANDBOX_NOT_RUNNING, "pause", "it is not running");
      if (!Faults.as(ErrorCode.PAUSE_FAILED, box.cgroup()::freeze)) {
        box.cgroup().thaw();
        throw new SandboxException(
            ErrorCode.PAUSE_FAILED,
            "cannot pause sandbox \"" + box.id() + "\": its processes do not freeze");
      }
      return box;
    });
  }

  /// Thaws a paused sandbox.
  void resume(Box box) {
    box.locked(() -> {
      require(box, State.PAUSED, ErrorCode.SANDBOX_NOT_PAUSED, "resume", "it is not paused");
      if (!Faults.as(ErrorCode.RESUME_FAILED, box.cgroup()::thaw)) {
        throw new SandboxException(
            ErrorCode.RESUME_FAILED,
            "cannot resume sandbox \"" + box.id() + "\": its processes do not thaw");
      }
      return box;
    });
  }

  private void require(Box box, State state, ErrorCode code, String verb, String reason) {
    if (box.view(engine).state() != state) {
      throw new SandboxException(
          code, "cannot " + verb + " sandbox \"" + box.id() + "\": " + reason);
    }
  }

  /// Ends every process. Call with the sandbox's lock held.
  void end(Box box, Duration grace) {
    if (!engine.end(box.id(), box.cgroup(), grace) || !box.cgroup().remove()) {
      throw new SandboxException(
          ErrorCode.DELETE_FAILED,
          "cannot delete sandbox \"" + box.id() + "\": some of its processes do not end");
    }
  }

  /// Changes the limits that are given.
  void updateLimits(Box box, ResourceLimits limits) {
    box.locked(() -> {
      SandboxRecord old = box.record();
      SandboxRecord changed = old.withLimits(limits);
      if (old.started() && box.cgroup().exists()) {
        Faults.as(
            ErrorCode.INTERNAL_ERROR,
            () -> {
              box.cgroup().limit(limits);
              return box;
            });
      }
      store.save(changed);
      box.replace(changed);
      return box;
    });
  }

  SandboxStats stats(Box box) {
    State state = box.view(engine).state();
    if (state != State.RUNNING && state != State.PAUSED) {
      throw new SandboxException(
          ErrorCode.SANDBOX_NOT_RUNNING, "sandbox \"" + box.id() + "\" is not running");
    }
    Long limit = box.record().memoryBytes();
    return new SandboxStats(
        box.cgroup().cpuNanos(),
        box.cgroup().memoryBytes(),
        limit == null ? hostMemory : limit,
        box.cgroup().pids());
  }
}
