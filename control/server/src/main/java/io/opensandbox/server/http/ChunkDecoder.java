package io.opensandbox.server.http;

import java.net.ProtocolException;
import java.nio.ByteBuffer;

/// Takes the chunked coding off a body, buffer by buffer (RFC 9112 section 7.1). Extensions and
/// trailers are skipped; lines must end in CRLF.
public final class ChunkDecoder {
  private static final int MAX_LINE_BYTES = 4096;
  private static final int MAX_TRAILER_BYTES = 16 * 1024;
  private static final int MAX_SIZE_DIGITS = 15;

  private enum State {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    TRAILER_LF,
    DONE
  }

  private State state = State.SIZE;
  private long remaining;
  private int digits;
  private int lineBytes;
  private int trailerBytes;

  /// Decodes what `buffer` holds, in place: afterwards its remaining bytes are body bytes, perhaps
  /// none. Bytes after the last chunk are an error, since nothing was asked for after it.
  ///
  /// @throws ProtocolException when they are not in chunked coding; nothing can be decoded after it
  public void decode(ByteBuffer buffer) throws ProtocolException {
    int write = buffer.position();
    int start = write;
    while (buffer.hasRemaining()) {
      if (state == State.DATA) {
        int count = (int) Math.min(remaining, buffer.remaining());
        if (write != buffer.position()) {
          buffer.put(write, buffer, buffer.position(), count);
        }
        write += count;
        buffer.position(buffer.position() + count);
        remaining -= count;
        if (remaining == 0) {
          state = State.DATA_CR;
        }
      } else {
        step(buffer.get());
      }
    }
    buffer.limit(write).position(start);
  }

  /// Whether the last chunk and its trailers have been seen.
  public boolean isDone() {
    return state == State.DONE;
  }

  private void step(byte b) throws ProtocolException {
    switch (state) {
      case SIZE -> size(b);
      case EXTENSION -> extension(b);
      case SIZE_LF -> {
        expect(b, '\n');
        state = remaining == 0 ? State.TRAILER : State.DATA;
        lineBytes = 0;
      }
      case DATA_CR -> {
        expect(b, '\r');
        state = State.DATA_LF;
      }
      case DATA_LF -> {
        expect(b, '\n');
        state = State.SIZE;
        digits = 0;
        lineBytes = 0;
      }
      case TRAILER -> trailer(b);
      case TRAILER_LF -> {
        expect(b, '\n');
        state = lineBytes == 0 ? State.DONE : State.TRAILER;
        lineBytes = 0;
      }
      case DATA, DONE -> throw new ProtocolException("bytes after the last chunk");
    }
  }

  private void size(byte b) throws ProtocolException {
    int digit = Character.digit(b, 16);
    if (digit >= 0) {
      if (++digits > MAX_SIZE_DIGITS) {
        throw new ProtocolException("a chunk is too large");
      }
      remaining = (digits == 1 ? 0 : remaining * 16) + digit;
    } else if (digits > 0 && b == '\r') {
      state = State.SIZE_LF;
    } else if (digits > 0 && (b == ';' || b == ' ' || b == '\t')) {
      state = State.EXTENSION;
    } else {
      throw new ProtocolException("a chunk size is malformed");
    }
  }

  private void extension(byte b) throws ProtocolException {
    if (b == '\r') {
      state = State.SIZE_LF;
    } else if (b == '\n' || ++lineBytes > MAX_LINE_BYTES) {
      throw new ProtocolException("a chunk extension is malformed");
    }
  }

  private void trailer(byte b) throws ProtocolException {
    if (b == '\r') {
      state = State.TRAILER_LF;
    } else if (b == '\n' || ++trailerBytes > MAX_TRAILER_BYTES) {
      throw new ProtocolException("a trailer is malformed");
    } else {
      lineBytes++;
    }
  }

  private static void expect(byte b, char wanted) throws ProtocolException {
    if (b != wanted) {
      throw new ProtocolException("a chunk does not end in CRLF");
    }
  }
}
