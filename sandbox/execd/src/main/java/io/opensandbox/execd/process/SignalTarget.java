package io.opensandbox.execd.process;

/// Who gets a signal.
public enum SignalTarget {
  /// The process group of the leader.
  GROUP(0),
  /// The leader alone.
  LEADER(1),
  /// The terminal's foreground group, or the leader's group when there is none.
  FOREGROUND(2);

  private final int wire;

  SignalTarget(int wire) {
    this.wire = wire;
  }

  int wire() {
    return wire;
  }
}
