package io.opensandbox.execd.process;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/// Cuts what the broker sends into frames: one byte type, four bytes length, payload. Starts small,
/// because most processes write little, and grows to one full frame when one comes.
final class FrameReader {
  static final int HEADER_BYTES = 5;
  static final int MAX_PAYLOAD_BYTES = 64 << 10;
  private static final int SMALL_BYTES = 2 << 10;

  private final ReadableByteChannel channel;
  private ByteBuffer buffer = ByteBuffer.allocate(SMALL_BYTES).flip();
  private boolean drained;
  private int length;

  FrameReader(ReadableByteChannel channel) {
    this.channel = channel;
  }

  /// The frame's type, after waiting for a whole frame; its payload is in [#array] from [#offset].
  /// Call [#consume] before the next.
  char next() throws IOException {
    while (!complete()) {
      fill();
    }
    return (char) (buffer.get(buffer.position()) & 0xFF);
  }

  /// Whether a call of [#next] would have to wait for the broker, as far as can be known without
  /// asking the kernel.
  boolean wouldWait() {
    return drained && !complete();
  }

  byte[] array() {
    return buffer.array();
  }

  int offset() {
    return buffer.position() + HEADER_BYTES;
  }

  int length() {
    return length;
  }

  /// The payload as a buffer of its own, big-endian.
  ByteBuffer payload() {
    return ByteBuffer.wrap(array(), offset(), length).slice();
  }

  void consume() {
    buffer.position(buffer.position() + HEADER_BYTES + length);
  }

  private boolean complete() {
    if (buffer.remaining() < HEADER_BYTES) {
      return false;
    }
    length = buffer.getInt(buffer.position() + 1);
    if (length < 0 || length > MAX_PAYLOAD_BYTES) {
      throw new IllegalStateException("the broker sent a frame of " + length + " bytes");
    }
    return buffer.remaining() >= HEADER_BYTES + length;
  }

  private void fill() throws IOException {
    boolean small = buffer.capacity() == SMALL_BYTES;
    if (small && (buffer.remaining() == SMALL_BYTES || needsMore())) {
      ByteBuffer grown = ByteBuffer.allocate(2 * (HEADER_BYTES + MAX_PAYLOAD_BYTES));
      buffer = grown.put(buffer);
    } else {
      buffer.compact();
    }
    int room = buffer.remaining();
    int count = channel.read(buffer);
    buffer.flip();
    if (count < 0) {
      throw new EOFException("the process broker closed the connection");
    }
    drained = count < room;
  }

  private boolean needsMore() {
    return buffer.remaining() >= HEADER_BYTES
        && buffer.getInt(buffer.position() + 1) + HEADER_BYTES > SMALL_BYTES;
  }
}
