package io.opensandbox.execd.bytes;

import java.util.Arrays;

/// A sequence of bytes to look for. Boyer-Moore-Horspool: looks at about one byte in the pattern's
/// length. Safe for many threads.
///
/// Where a byte is none of the pattern's, the pattern cannot stand across it. Four such places are
/// looked at together, since their addresses do not depend on each other's content; one skip after
/// the other would wait for memory each time.
public final class BytePattern {
  private static final int TOGETHER = 4;

  private final byte[] pattern;
  private final int[] skips = new int[256];

  /// 1 for the bytes that the pattern has, 0 for the others.
  private final int[] members = new int[256];

  /// Prepares the search; at least one byte, which the caller does not change afterwards.
  public BytePattern(byte[] pattern) {
    this.pattern = pattern;
    Arrays.fill(skips, pattern.length);
    for (int i = 0; i < pattern.length - 1; i++) {
      skips[pattern[i] & 0xff] = pattern.length - 1 - i;
    }
    for (byte member : pattern) {
      members[member & 0xff] = 1;
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
      at = skipStrange(bytes, at, to);
      byte end = bytes[at + last];
      if (end == pattern[last] && Arrays.equals(bytes, at, at + last, pattern, 0, last)) {
        return at;
      }
      at += skips[end & 0xff];
    }
    return -1;
  }

  /// Passes over bytes that the pattern does not have, as long as there is room for more.
  private int skipStrange(byte[] bytes, int from, int to) {
    int[] known = members;
    int step = pattern.length;
    int end = to - TOGETHER * step;
    int at = from + step - 1;
    while (at < end
        && (known[bytes[at] & 0xff]
                | known[bytes[at + step] & 0xff]
                | known[bytes[at + 2 * step] & 0xff]
                | known[bytes[at + 3 * step] & 0xff])
            == 0) {
      at += TOGETHER * step;
    }
    return at - step + 1;
  }
}
