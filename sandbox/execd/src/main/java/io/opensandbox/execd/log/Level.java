package io.opensandbox.execd.log;

/// How much a message matters, least first.
public enum Level {
  DEBUG("debug"),
  INFO("info"),
  WARN("warn"),
  ERROR("error"),
  FATAL("fatal");

  private final String wire;

  Level(String wire) {
    this.wire = wire;
  }

  String wire() {
    return wire;
  }

  /// What `--log-level` means: 0 to 2 fatal, 3 error, 4 warn, 5 and 6 info, more is debug.
  public static Level ofFlag(int number) {
    return switch (number) {
      case 0, 1, 2 -> FATAL;
      case 3 -> ERROR;
      case 4 -> WARN;
      case 5, 6 -> INFO;
      default -> DEBUG;
    };
  }
}
