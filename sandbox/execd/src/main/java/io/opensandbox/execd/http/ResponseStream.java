package io.opensandbox.execd.http;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// The body of a streamed response: buffers small writes, sends large ones through, frames chunks.
/// The head waits in front of the first data, so that it travels in the same segment.
final class ResponseStream extends OutputStream {
  private static final int BUFFER_BYTES = 8192;

  /// Room before the data for a chunk's size line, and behind them for its end.
  private static final int CHUNK_HEAD_BYTES = 10;

  private static final int CHUNK_TAIL_BYTES = 8;
  private static final int MAX_CHUNK_BYTES = 64 * 1024;
  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] CRLF = {'\r', '\n'};
  private static final byte[] LAST_CHUNK = {'0', '\r', '\n', '\r', '\n'};
  private static final byte[] NOTHING = {};

  /// How the end of the body is told to the client.
  enum Framing {
    CHUNKED,
    SIZED,
    UNTIL_CLOSE,
    /// Nothing follows the head, whatever is written.
    NONE
  }

  private final Connection connection;
  private final Framing framing;
  private final byte[] buffer = new byte[CHUNK_HEAD_BYTES + BUFFER_BYTES + CHUNK_TAIL_BYTES];
  private int size;
  private long remaining;
  private byte[] head;
  private boolean closed;
  private boolean complete;

  ResponseStream(Connection connection, Framing framing, long length, byte[] head) {
    this.connection = connection;
    this.framing = framing;
    this.remaining = length;
    this.head = head;
  }

  /// Whether the whole body has been sent and its end as well.
  synchronized boolean isComplete() {
    return complete;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
    requireOpen(length);
    if (framing == Framing.NONE) {
      return;
    }
    if (length > BUFFER_BYTES - size) {
      sendBuffer();
    }
    if (length >= BUFFER_BYTES) {
      sendThrough(bytes, offset, length);
      return;
    }
    System.arraycopy(bytes, offset, buffer, CHUNK_HEAD_BYTES + size, length);
    size += length;
  }

  private void requireOpen(int length) throws IOException {
    if (closed) {
      throw new IOException("the response has ended");
    }
    if (framing == Framing.SIZED) {
      if (length > remaining) {
        throw new IOException("more data than the announced length");
      }
      remaining -= length;
    }
  }

  @Override
  public synchronized void flush() throws IOException {
    if (!closed) {
      sendBuffer();
      sendHead();
    }
  }

  @Override
  public synchronized void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    if (framing == Framing.SIZED && remaining > 0) {
      throw new IOException(remaining + " bytes fewer than the announced length");
    }
    if (framing == Framing.CHUNKED && size + LAST_CHUNK.length <= BUFFER_BYTES) {
      sendBufferWithLastChunk();
    } else {
      sendBuffer();
      sendHead();
      if (framing == Framing.CHUNKED) {
        connection.write(LAST_CHUNK, 0, LAST_CHUNK.length);
      }
    }
    complete = true;
  }

  /// Makes further writes fail without sending an end, after the handler has failed.
  synchronized void abandon() {
    closed = true;
  }

  private void sendBufferWithLastChunk() throws IOException {
    int start = CHUNK_HEAD_BYTES;
    int end = CHUNK_HEAD_BYTES + size;
    if (size > 0) {
      start = chunkHead(size);
      end = chunkTail(end);
    }
    System.arraycopy(LAST_CHUNK, 0, buffer, end, LAST_CHUNK.length);
    end += LAST_CHUNK.length;
    size = 0;
    send(start, end);
  }

  private void sendBuffer() throws IOException {
    if (size == 0) {
      return;
    }
    int start = CHUNK_HEAD_BYTES;
    int end = CHUNK_HEAD_BYTES + size;
    if (framing == Framing.CHUNKED) {
      start = chunkHead(size);
      end = chunkTail(end);
    }
    size = 0;
    send(start, end);
  }

  private void send(int start, int end) throws IOException {
    if (head.length == 0) {
      connection.write(buffer, start, end - start);
      return;
    }
    ByteBuffer[] parts = {ByteBuffer.wrap(head), ByteBuffer.wrap(buffer, start, end - start)};
    head = NOTHING;
    connection.write(parts);
  }

  private void sendHead() throws IOException {
    if (head.length > 0) {
      byte[] bytes = head;
      head = NOTHING;
      connection.write(bytes, 0, bytes.length);
    }
  }

  private void sendThrough(byte[] bytes, int offset, int length) throws IOException {
    sendHead();
    if (framing != Framing.CHUNKED) {
      connection.write(bytes, offset, length);
      return;
    }
    for (int at = offset; at < offset + length; at += MAX_CHUNK_BYTES) {
      int count = Math.min(MAX_CHUNK_BYTES, offset + length - at);
      int start = chunkHead(count);
      connection.write(
          new ByteBuffer[] {
            ByteBuffer.wrap(buffer, start, CHUNK_HEAD_BYTES - start),
            ByteBuffer.wrap(bytes, at, count),
            ByteBuffer.wrap(CRLF)
          });
    }
  }

  /// Writes the size line so that it ends where the data begin; returns where it starts.
  private int chunkHead(int length) {
    int at = CHUNK_HEAD_BYTES;
    buffer[--at] = '\n';
    buffer[--at] = '\r';
    int rest = length;
    do {
      buffer[--at] = HEX[rest & 0xf];
      rest >>>= 4;
    } while (rest != 0);
    return at;
  }

  private int chunkTail(int end) {
    buffer[end] = '\r';
    buffer[end + 1] = '\n';
    return end + 2;
  }
}
