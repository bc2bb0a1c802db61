package io.opensandbox.execd.process;

/// The signals that execd sends.
public enum Signal {
  HUP(1),
  INT(2),
  QUIT(3),
  KILL(9),
  TERM(15);

  private final int number;

  Signal(int number) {
    this.number = number;
  }

  /// Its number on Linux.
  public int number() {
    return number;
  }
}
