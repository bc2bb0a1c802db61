package io.opensandbox.execd.event;

import io.opensandbox.execd.process.OutputHandler;
import java.io.IOException;

/// Turns what a process writes into events, and passes a batch on as soon as nothing more waits.
public final class OutputEvents implements OutputHandler {
  private final EventBuffer events;
  private final LineEvents out;
  private final LineEvents err;

  /// Output as events of `events`.
  public OutputEvents(EventBuffer events) {
    this.events = events;
    this.out = new LineEvents(events, TextKind.STDOUT);
    this.err = new LineEvents(events, TextKind.STDERR);
  }

  @Override
  public void stdout(byte[] buffer, int offset, int length) throws IOException {
    out.accept(buffer, offset, length);
  }

  @Override
  public void stderr(byte[] buffer, int offset, int length) throws IOException {
    err.accept(buffer, offset, length);
  }

  @Override
  public void idle() throws IOException {
    events.flush();
  }

  /// The process has ended: unfinished lines become events.
  public void finish() throws IOException {
    out.finish();
    err.finish();
  }
}
