package io.opensandbox.execd.event;

/// The events that carry output.
public enum TextKind {
  STDOUT("stdout"),
  STDERR("stderr");

  private final String wire;

  TextKind(String wire) {
    this.wire = wire;
  }

  /// The event's `type`.
  String wire() {
    return wire;
  }
}
