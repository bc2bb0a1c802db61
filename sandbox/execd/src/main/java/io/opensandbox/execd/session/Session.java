package io.opensandbox.execd.session;

import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.execd.process.SignalTarget;
import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// One session. Runs wait for each other in the order in which they came.
final class Session {
  private final String id;
  private final String initialFolder;

  /// Held during a run.
  private final ReentrantLock turn = new ReentrantLock(true);

  // Guarded by this.
  private @Nullable ShellState state;
  private @Nullable RunningProcess process;
  private boolean deleted;

  /// @param initialFolder of the first run; empty for execd's own
  Session(String id, String initialFolder) {
    this.id = id;
    this.initialFolder = initialFolder;
  }

  String id() {
    return id;
  }

  /// Waits for this run's turn.
  void enter() {
    turn.lock();
  }

  /// Lets the next run begin.
  void leave() {
    turn.unlock();
  }

  /// Where the next run begins unless it says otherwise; empty for execd's own folder.
  synchronized String folder() {
    return state == null ? initialFolder : state.cwd();
  }

  /// What the last complete run left; null before the first.
  synchronized @Nullable ShellState state() {
    return state;
  }

  /// Replaces the state; gives by how many bytes it has grown.
  synchronized int replaceState(ShellState next) {
    int before = state == null ? 0 : state.size();
    state = next;
    return next.size() - before;
  }

  synchronized int stateBytes() {
    return state == null ? 0 : state.size();
  }

  /// Makes the process known to [#delete].
  ///
  /// @return false when the session is deleted and nothing may run any more
  synchronized boolean begin(RunningProcess running) {
    if (!deleted) {
      process = running;
    }
    return !deleted;
  }

  synchronized void end() {
    process = null;
  }

  synchronized boolean isDeleted() {
    return deleted;
  }

  /// Kills what runs; no further run begins.
  void delete() throws IOException {
    RunningProcess running;
    synchronized (this) {
      deleted = true;
      running = process;
    }
    if (running != null) {
      running.signal(Signal.KILL, SignalTarget.GROUP);
    }
  }
}
