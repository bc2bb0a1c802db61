package io.opensandbox.execd.process;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// Keeps what a process wrote.
public final class CollectedOutput implements OutputHandler {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final ByteArrayOutputStream state = new ByteArrayOutputStream();

  @Override
  public synchronized void stdout(byte[] buffer, int offset, int length) {
    out.write(buffer, offset, length);
  }

  @Override
  public synchronized void stderr(byte[] buffer, int offset, int length) {
    err.write(buffer, offset, length);
  }

  @Override
  public synchronized void state(byte[] buffer, int offset, int length) {
    state.write(buffer, offset, length);
  }

  /// stdout so far.
  public synchronized String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  /// stderr so far.
  public synchronized String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  /// What came from the state descriptor so far.
  public synchronized String state() {
    return state.toString(StandardCharsets.UTF_8);
  }
}
