package io.opensandbox.execd.command;

import io.opensandbox.execd.event.EventBuffer;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.http.Exchange;
import java.io.IOException;
import java.time.Clock;

/// Streams a foreground command's events from its journal: those that are there, then those that
/// come, until the end.
final class JournalStream {
  private static final int BLOCK_BYTES = 64 << 10;
  private static final byte[] NOTHING = {};

  private final Exchange exchange;
  private final Clock clock;

  JournalStream(Exchange exchange, Clock clock) {
    this.exchange = exchange;
    this.clock = clock;
  }

  /// Sends what comes after the first `after` events.
  void send(Command command, long after) throws IOException {
    try (Journal.Reader reader = command.journal().readerAfterEvents(after)) {
      EventStream stream = EventStream.start(exchange, clock);
      var events = new EventBuffer(clock, stream);
      if (reader.eventsBefore() > after) {
        events.status("events %d to %d were dropped".formatted(after + 1, reader.eventsBefore()));
      }
      events.ping();
      events.flush();
      follow(reader, stream, events);
      stream.end(NOTHING, 0);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private static void follow(Journal.Reader reader, EventStream stream, EventBuffer events)
      throws IOException, InterruptedException {
    var block = new byte[BLOCK_BYTES];
    boolean open = false;
    while (!stream.isBroken()) {
      int length = reader.read(block);
      if (length > 0) {
        open = block[length - 1] != '\n';
        stream.accept(block, length, 0, open);
      } else if (!reader.awaitMore(EventStream.PING_INTERVAL)) {
        return;
      } else if (!reader.hasMore() && !open) {
        events.ping();
        events.flush();
      }
    }
  }
}
