package io.opensandbox.execd.event;

import java.io.IOException;

/// Cuts one stream into events, one per line. LF, CR and CRLF end a line and are dropped; an empty
/// line is the text `"\n"`; an unfinished line waits for its end or for the end of the stream.
///
/// A line of any length up to 32 MiB (as JSON) is one event: beyond 64 KiB it is not held but sent
/// as an event that stays open. It is cut earlier only when the other stream or the end of the
/// process needs its place.
final class LineEvents {
  private static final int HELD_BYTES = 64 << 10;
  private static final int MAX_EVENT_BYTES = 32 << 20;

  private final EventBuffer events;
  private final byte[] head;
  private final JsonText text = new JsonText();

  /// The encoded beginning of an unfinished line.
  private final Bytes pending = new Bytes(64);

  private boolean afterCarriageReturn;
  private boolean open;
  private long openBytes;

  /// The current line has already given an event, so that its end alone is no empty line.
  private boolean continued;

  LineEvents(EventBuffer events, TextKind kind) {
    this.events = events;
    this.head = EventBuffer.textHead(kind);
  }

  void accept(byte[] bytes, int offset, int length) throws IOException {
    int at = offset;
    int to = offset + length;
    if (afterCarriageReturn && bytes[at] == '\n') {
      at++;
    }
    afterCarriageReturn = false;
    while (at < to) {
      int end = encode(bytes, at, to);
      if (end == to) {
        return;
      }
      at = end + 1;
      if (bytes[end] == '\r') {
        afterCarriageReturn = at == to;
        if (at < to && bytes[at] == '\n') {
          at++;
        }
      }
    }
  }

  /// The stream has ended: an unfinished line is an event as it is.
  void finish() throws IOException {
    if (open) {
      cut();
    } else if (pending.size() > 0 || text.holds()) {
      endPendingLine();
    }
    continued = false;
  }

  /// Ends the open event in the middle of its line.
  void cut() throws IOException {
    open = false;
    events.closed();
    text.finish(events.bytes());
    events.endText();
    continued = true;
  }

  /// Encodes up to the end of the line, or everything; gives where it stopped.
  private int encode(byte[] bytes, int from, int to) throws IOException {
    if (open) {
      return encodeOpen(bytes, from, to);
    }
    if (pending.size() > 0 || text.holds()) {
      return encodePending(bytes, from, to);
    }
    Bytes out = events.bytes();
    if (bytes[from] == '\n' || bytes[from] == '\r') {
      endEmptyLine();
      return from;
    }
    events.beginText(head);
    int mark = out.size();
    int end = text.encodeLine(out, bytes, from, to);
    if (end < to) {
      text.finish(out);
      events.endText();
      continued = false;
    } else if (out.size() - mark > HELD_BYTES) {
      stayOpen(out.size() - mark);
    } else {
      pending.append(out.array(), mark, out.size() - mark);
      out.truncate(mark - head.length);
    }
    return end;
  }

  private int encodeOpen(byte[] bytes, int from, int to) throws IOException {
    Bytes out = events.bytes();
    int mark = out.size();
    int end = text.encodeLine(out, bytes, from, to);
    if (end < to) {
      cut();
      continued = false;
    } else {
      stayOpen(openBytes + out.size() - mark);
    }
    return end;
  }

  private int encodePending(byte[] bytes, int from, int to) throws IOException {
    int end = text.encodeLine(pending, bytes, from, to);
    if (end < to) {
      endPendingLine();
    } else if (pending.size() > HELD_BYTES) {
      events.beginText(head);
      events.bytes().append(pending.array(), 0, pending.size());
      int length = pending.size();
      pending.truncate(0);
      stayOpen(length);
    }
    return end;
  }

  private void endPendingLine() throws IOException {
    text.finish(pending);
    events.beginText(head);
    events.bytes().append(pending.array(), 0, pending.size());
    pending.truncate(0);
    events.endText();
    continued = false;
  }

  private void endEmptyLine() throws IOException {
    if (!continued) {
      events.beginText(head);
      events.bytes().append((byte) '\\');
      events.bytes().append((byte) 'n');
      events.endText();
    }
    continued = false;
  }

  private void stayOpen(long length) throws IOException {
    open = true;
    openBytes = length;
    events.keepOpen(this);
    if (openBytes > MAX_EVENT_BYTES) {
      cut();
    }
  }
}
