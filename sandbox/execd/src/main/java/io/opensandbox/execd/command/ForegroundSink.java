package io.opensandbox.execd.command;

import io.opensandbox.execd.event.EventSink;
import io.opensandbox.execd.event.EventStream;
import java.io.IOException;
import java.util.function.Consumer;

/// Writes a command's events into its journal and to the client that started it, who gets a ping
/// with the first of them. For one thread at a time.
final class ForegroundSink implements EventSink {
  private static final byte[] NOTHING = {};

  private final Command command;
  private final EventStream stream;
  private final Consumer<String> warnings;
  private boolean first = true;
  private boolean last;
  private boolean journaling = true;

  ForegroundSink(Command command, EventStream stream, Consumer<String> warnings) {
    this.command = command;
    this.stream = stream;
    this.warnings = warnings;
  }

  @Override
  public void accept(byte[] bytes, int length, int events, boolean open) {
    if (journaling) {
      record(bytes, length, events, open);
    }
    if (last) {
      stream.end(bytes, length);
    } else if (first) {
      first = false;
      stream.acceptAndPing(bytes, length, events, open);
    } else {
      stream.accept(bytes, length, events, open);
    }
  }

  @Override
  public void ended(boolean success) {
    stream.ended(success);
  }

  /// The next batch is the last one; it travels together with the end of the response.
  void expectLast() {
    last = true;
  }

  /// Ends the response in any case.
  void end() {
    stream.end(NOTHING, 0);
  }

  private void record(byte[] bytes, int length, int events, boolean open) {
    try {
      command.journal().append(bytes, length, events, open);
    } catch (IOException e) {
      journaling = false;
      warnings.accept("cannot keep the output of command " + command.id() + ": " + e.getMessage());
    }
  }
}
