package io.opensandbox.execd.process;

import java.io.IOException;
import java.time.Duration;

/// A process that was asked for. One thread drains it; any thread may signal, feed and wait.
public interface RunningProcess extends AutoCloseable {
  /// Waits until the process runs and gives its pid. Call on the draining thread, before draining.
  ///
  /// @throws SpawnException when it could not be started
  /// @throws IOException when the broker went away
  long awaitStart() throws IOException;

  /// Hands everything the process writes to `handler` and returns when its leader has ended and all
  /// that it wrote has been handed over. What descendants write later is dropped. An exception of
  /// the handler leaves the process running: close it, or call this again to go on.
  ///
  /// @throws IOException from the handler, or when the broker went away
  ExitStatus drain(OutputHandler handler) throws IOException;

  /// Sends a signal; nothing happens when the leader has ended.
  void signal(Signal signal, SignalTarget target) throws IOException;

  /// Asks the whole group to end (TERM), kills what is left after `grace` (KILL), and returns when
  /// all of it is gone, or one second after the KILL at the latest: a process in an uninterruptible
  /// wait cannot be killed. Needs another thread that drains.
  void endGroup(Duration grace) throws IOException;

  /// Waits for the end of the leader.
  ///
  /// @return false when it still runs after `limit`
  boolean awaitExit(Duration limit);

  /// Feeds stdin or the terminal. Blocks when the process does not read.
  void write(byte[] bytes, int offset, int length) throws IOException;

  /// Closes stdin after everything that was written; no effect on a terminal.
  void closeInput() throws IOException;

  /// Sets the size of the terminal.
  void resize(int rows, int columns) throws IOException;

  /// Ends the connection. A leader that still runs is killed with its group.
  @Override
  void close();
}
