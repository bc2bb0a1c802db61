package io.opensandbox.execd.file;

import io.opensandbox.execd.bytes.BytePattern;
import java.io.IOException;
import java.io.InputStream;

/// Copies bytes, replacing each occurrence of a text from left to right. Memory is bounded by the
/// length of that text, not of the file.
final class ByteReplacement {
  private static final int BUFFER_BYTES = 64 * 1024;

  private ByteReplacement() {}

  /// Takes the copied bytes.
  @FunctionalInterface
  interface Sink {
    void accept(byte[] bytes, int offset, int length) throws IOException;
  }

  /// Copies `in`; gives the number of replacements.
  ///
  /// @param old at least one byte
  static long copy(InputStream in, byte[] old, byte[] replacement, Sink out) throws IOException {
    byte[] buffer = new byte[Math.max(BUFFER_BYTES, 2 * old.length)];
    BytePattern pattern = new BytePattern(old);
    long replaced = 0;
    int size = 0;
    while (true) {
      int count = in.read(buffer, size, buffer.length - size);
      size += Math.max(count, 0);
      int at = 0;
      for (int found = pattern.find(buffer, at, size);
          found >= 0;
          found = pattern.find(buffer, at, size)) {
        out.accept(buffer, at, found - at);
        out.accept(replacement, 0, replacement.length);
        at = found + old.length;
        replaced++;
      }
      // An occurrence may begin in the last bytes and end in what is still to come.
      int keep = count < 0 ? 0 : Math.min(old.length - 1, size - at);
      out.accept(buffer, at, size - keep - at);
      System.arraycopy(buffer, size - keep, buffer, 0, keep);
      size = keep;
      if (count < 0) {
        return replaced;
      }
    }
  }
}
