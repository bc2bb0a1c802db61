package io.opensandbox.execd.session;

import io.opensandbox.execd.event.OutputEvents;
import io.opensandbox.execd.process.OutputHandler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Passes output on as events and collects the state.
public final class SessionOutput implements OutputHandler {
  private final OutputEvents events;
  private final ByteArrayOutputStream state = new ByteArrayOutputStream();
  private boolean tooLarge;

  /// Output goes to `events`.
  public SessionOutput(OutputEvents events) {
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

  /// The process has ended: unfinished lines become events.
  public void finish() throws IOException {
    events.finish();
  }

  /// What the shell has left; empty when it did not get to its end, or left too much.
  public Optional<ShellState> state() {
    return ShellState.parse(state.toByteArray());
  }

  /// Whether there was more state than can be kept.
  public boolean isTooLarge() {
    return tooLarge;
  }

  /// Tells the user something on stderr.
  public void remark(String text) throws IOException {
    byte[] bytes = ("execd: " + text + "\n").getBytes(StandardCharsets.UTF_8);
    events.stderr(bytes, 0, bytes.length);
  }
}
