package io.opensandbox.runtime.local.image;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.atomic.AtomicLong;

/// Bounds what the layers of one image unpack to: a small archive can hold any number of zeros.
final class UnpackLimit {
  private final long bytes;
  private final AtomicLong left;

  /// @param bytes of all layers together that are not here yet
  UnpackLimit(long bytes) {
    this.bytes = bytes;
    this.left = new AtomicLong(bytes);
  }

  /// The bytes that may still come; negative when there were too many.
  long left() {
    return left.get();
  }

  /// Counts bytes.
  ///
  /// @return whether that is within the limit
  boolean take(long count) {
    return left.addAndGet(-count) >= 0;
  }

  /// `archive`, counted, and ending early when there is too much: what reads it must not be cut off
  /// while it writes. Ask [#check] afterwards.
  InputStream counted(InputStream archive) {
    return new FilterInputStream(archive) {
      @Override
      public int read() throws IOException {
        int next = in.read();
        return next >= 0 && take(1) ? next : -1;
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        int count = in.read(buffer, offset, length);
        return count >= 0 && take(count) ? count : -1;
      }
    };
  }

  /// @throws IOException when there was too much
  void check() throws IOException {
    if (left() < 0) {
      throw new IOException(
          "it unpacks to more than the "
              + bytes
              + " bytes that images may take (local.image_max_bytes)");
    }
  }
}
