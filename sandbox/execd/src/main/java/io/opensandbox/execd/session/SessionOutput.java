package io.opensandbox.execd.session;

import io.opensandbox.execd.event.OutputEvents;
import io.opensandbox.execd.process.OutputHandler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/// Passes output on as events and collects the state.
final class SessionOutput implements OutputHandler {
  private final OutputEvents events;
  private final ByteArrayOutputStream state = new ByteArrayOutputStream();
  private boolean tooLarge;

  SessionOutput(OutputEvents events) {
    this.events = events;
  }

  @Override
  public void stdout(byte[] buffer, int offset, int length) throws IOException {
    events.stdout(buffer, offset, length);
  }

  @Override
  public void stderr(byte[] buffer, int offset, int length) throws IOException {
    events.stderr(buffer, offset, length);
  }

  @Override
  public void state(byte[] buffer, int offset, int length) {
    if (state.size() + length > Sessions.MAX_STATE_BYTES) {
      tooLarge = true;
      state.reset();
    }
    if (!tooLarge) {
      state.write(buffer, offset, length);
    }
  }

  @Override
  public void idle() throws IOException {
    events.idle();
  }

  void finish() throws IOException {
    events.finish();
  }

  byte[] collectedState() {
    return state.toByteArray();
  }

  /// Whether there was more state than can be kept.
  boolean isTooLarge() {
    return tooLarge;
  }

  /// Tells the user something on stderr.
  void remark(String text) throws IOException {
    byte[] bytes = ("execd: " + text + "\n").getBytes(StandardCharsets.UTF_8);
    events.stderr(bytes, 0, bytes.length);
  }
}
