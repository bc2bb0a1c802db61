package io.opensandbox.execd.hibernate;

import java.time.Duration;

/// What keeps the daemon awake.
public interface Activity {
  /// How long nobody has asked for anything; zero while somebody does.
  Duration idleTime();

  /// Whether something runs or is held for somebody: a command, a session, a terminal, a kernel.
  boolean isBusy();

  /// Stops taking connections, unless there is one.
  ///
  /// @return false when there is one; everything goes on
  boolean retire();

  /// Takes connections again after [#retire], on the same thread.
  void resume();

  /// Writes down what must be there after waking up.
  ///
  /// @return false when that failed; the daemon then stays awake
  boolean save();
}
