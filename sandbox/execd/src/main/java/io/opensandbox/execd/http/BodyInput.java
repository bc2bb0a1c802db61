package io.opensandbox.execd.http;

import java.io.IOException;
import java.io.InputStream;

/// A request body, decoded from its framing. Reading past its end gives -1; a connection that ends
/// before the body does is a [TruncatedBody].
abstract sealed class BodyInput extends InputStream {
  /// Whether the body has been read to its end.
  abstract boolean isExhausted();

  @Override
  public abstract int read(byte[] into, int offset, int length) throws IOException;

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  static BodyInput of(Connection connection, long length) {
    if (length == RequestHead.CHUNKED) {
      return new Chunked(connection);
    }
    return new Sized(connection, length);
  }

  /// A body with a Content-Length, perhaps 0.
  static final class Sized extends BodyInput {
    private final Connection connection;
    private long remaining;

    Sized(Connection connection, long length) {
      this.connection = connection;
      this.remaining = length;
    }

    @Override
    boolean isExhausted() {
      return remaining == 0;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (remaining == 0) {
        return -1;
      }
      int count = connection.read(into, offset, (int) Math.min(length, remaining));
      if (count < 0) {
        throw new TruncatedBody();
      }
      remaining -= count;
      return count;
    }
  }

  /// A chunked body. Chunk extensions are skipped; trailers are read and dropped.
  static final class Chunked extends BodyInput {
    private static final int MAX_LINE_BYTES = 4096;
    private static final int MAX_TRAILER_LINES = 64;
    private static final int MAX_SIZE_DIGITS = 15;

    private final Connection connection;
    private long remaining;
    private boolean started;
    private boolean ended;

    Chunked(Connection connection) {
      this.connection = connection;
    }

    @Override
    boolean isExhausted() {
      return ended;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (remaining == 0 && !ended) {
        nextChunk();
      }
      if (ended) {
        return -1;
      }
      int count = connection.read(into, offset, (int) Math.min(length, remaining));
      if (count < 0) {
        throw new TruncatedBody();
      }
      remaining -= count;
      return count;
    }

    private void nextChunk() throws IOException {
      if (started) {
        lineEnd(require());
      }
      started = true;
      remaining = chunkSize();
      if (remaining == 0) {
        skipTrailers();
        ended = true;
      }
    }

    private long chunkSize() throws IOException {
      long size = 0;
      int digits = 0;
      int c = require();
      for (int digit = Character.digit(c, 16); digit >= 0; digit = Character.digit(c, 16)) {
        if (++digits > MAX_SIZE_DIGITS) {
          throw new BadRequest("chunk size too large");
        }
        size = (size << 4) | digit;
        c = require();
      }
      if (digits == 0) {
        throw new BadRequest("malformed chunk size");
      }
      skipExtension(c);
      return size;
    }

    private void skipExtension(int first) throws IOException {
      int c = first;
      if (c != '\r' && c != ';' && c != ' ' && c != '\t') {
        throw new BadRequest("malformed chunk size");
      }
      for (int length = 0; c != '\r'; length++) {
        if (length > MAX_LINE_BYTES || c == '\n') {
          throw new BadRequest("malformed chunk extension");
        }
        c = require();
      }
      lineEnd(c);
    }

    private void skipTrailers() throws IOException {
      for (int lines = 0; lines <= MAX_TRAILER_LINES; lines++) {
        int c = require();
        boolean empty = c == '\r';
        for (int length = 0; c != '\r'; length++) {
          if (length > MAX_LINE_BYTES || c == '\n') {
            throw new BadRequest("malformed trailer");
          }
          c = require();
        }
        lineEnd(c);
        if (empty) {
          return;
        }
      }
      throw new BadRequest("too many trailers");
    }

    private void lineEnd(int carriageReturn) throws IOException {
      if (carriageReturn != '\r' || require() != '\n') {
        throw new BadRequest("malformed chunk end");
      }
    }

    private int require() throws IOException {
      int c = connection.read();
      if (c < 0) {
        throw new TruncatedBody();
      }
      return c;
    }
  }
}
