package io.opensandbox.runtime.docker.engine;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/// The bytes of one answer: a known number, chunks, or everything until the connection ends. A body
/// that is cut short is an error, never a clean end.
final class BodyStream extends InputStream {
  private static final long UNTIL_END = -1;

  private final InputStream in;
  private final boolean chunked;
  private long remaining;
  private boolean beforeFirstChunk = true;
  private boolean ended;

  private BodyStream(InputStream in, boolean chunked, long remaining) {
    this.in = in;
    this.chunked = chunked;
    this.remaining = remaining;
    this.ended = !chunked && remaining == 0;
  }

  static BodyStream fixed(InputStream in, long length) {
    return new BodyStream(in, false, length);
  }

  static BodyStream chunked(InputStream in) {
    return new BodyStream(in, true, 0);
  }

  static BodyStream untilEnd(InputStream in) {
    return new BodyStream(in, false, UNTIL_END);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (ended || (chunked && remaining == 0 && !nextChunk())) {
      return -1;
    }
    int wanted = remaining == UNTIL_END ? length : (int) Math.min(length, remaining);
    int count = in.read(target, offset, wanted);
    if (count < 0) {
      if (remaining == UNTIL_END) {
        ended = true;
        return -1;
      }
      throw new EOFException("the engine's answer ends too early");
    }
    if (remaining != UNTIL_END) {
      remaining -= count;
      ended = !chunked && remaining == 0;
    }
    return count;
  }

  @Override
  public int available() throws IOException {
    if (ended || remaining == 0) {
      return 0;
    }
    int there = in.available();
    return remaining == UNTIL_END ? there : (int) Math.min(there, remaining);
  }

  /// Whether the body is read to its end, reading what little has arrived beyond what was asked
  /// for.
  boolean finishQuickly() {
    byte[] rest = new byte[1024];
    try {
      for (int i = 0; i < 3 && !ended && in.available() > 0; i++) {
        read(rest);
      }
      return ended;
    } catch (IOException _) {
      return false; // the connection is of no further use
    }
  }

  private boolean nextChunk() throws IOException {
    if (!beforeFirstChunk) {
      EngineTransport.line(in);
    }
    beforeFirstChunk = false;
    String size = EngineTransport.line(in);
    int extension = size.indexOf(';');
    try {
      remaining = Long.parseLong((extension < 0 ? size : size.substring(0, extension)).strip(), 16);
    } catch (NumberFormatException e) {
      throw new IOException("the engine sent a malformed chunk", e);
    }
    if (remaining < 0) {
      throw new IOException("the engine sent a malformed chunk");
    }
    if (remaining == 0) {
      while (!EngineTransport.line(in).isEmpty()) {
        // trailers carry nothing that is used
      }
      ended = true;
    }
    return !ended;
  }
}
