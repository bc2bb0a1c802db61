package io.opensandbox.execd.bytes;

import java.util.Arrays;

/// A sequence of bytes to look for. Boyer-Moore-Horspool: looks at about one byte in the pattern's
/// length. Safe for many threads.
public final class BytePattern {
  private final byte[] pattern;
  private final int[] skips = new int[256];

  /// Prepares the search; at least one byte, which the caller does not change afterwards.
  public BytePattern(byte[] pattern) {
    this.pattern = pattern;
    Arrays.fill(skips, pattern.length);
    for (int i = 0; i < pattern.length - 1; i++) {
      skips[pattern[i] & 0xff] = pattern.length - 1 - i;
    }
  }

  /// The number of its bytes.
  public int length() {
    return pattern.length;
  }

  /// Where it first stands, whole, in `bytes` from `from` to before `to`; -1 when it does not.
  public int find(byte[] bytes, int from, int to) {
    int last = pattern.length - 1;
    int at = from;
    while (at + last < to) {
      byte end = bytes[at + last];
      if (end == pattern[last] && Arrays.equals(bytes, at, at + last, pattern, 0, last)) {
        return at;
      }
      at += skips[end & 0xff];
    }
    return -1;
  }
}
