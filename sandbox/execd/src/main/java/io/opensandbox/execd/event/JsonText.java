package io.opensandbox.execd.event;

import java.nio.charset.StandardCharsets;

/// Turns the bytes of one stream into the inside of a JSON string, piece by piece: a UTF-8 sequence
/// may be cut anywhere between two pieces. Each byte that belongs to no valid sequence becomes
/// U+FFFD; `<`, `>`, `&`, U+2028 and U+2029 are escaped like the contract's examples.
final class JsonText {
  private static final byte PLAIN = 0;
  private static final byte ESCAPED = 1;
  private static final byte MULTIBYTE = 2;
  private static final byte LINE_END = 3;
  private static final byte[] KINDS = kinds();

  private static final byte[] REPLACEMENT = {(byte) 0xEF, (byte) 0xBF, (byte) 0xBD};
  private static final byte[] LINE_SEPARATOR = "\\u2028".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] PARAGRAPH_SEPARATOR = "\\u2029".getBytes(StandardCharsets.US_ASCII);
  private static final int MAX_SEQUENCE = 4;

  /// The beginning of a sequence whose rest has not come yet.
  private final byte[] held = new byte[2 * MAX_SEQUENCE];

  private int heldCount;

  /// Whether the beginning of a sequence is held back.
  boolean holds() {
    return heldCount > 0;
  }

  /// Encodes up to the first line end.
  ///
  /// @return the index of the line end, or `to` when there is none
  int encodeLine(Bytes out, byte[] bytes, int from, int to) {
    int at = heldCount == 0 ? from : completeHeld(out, bytes, from, to);
    while (at < to) {
      int run = at;
      while (run < to && KINDS[bytes[run] & 0xFF] == PLAIN) {
        run++;
      }
      if (run > at) {
        out.append(bytes, at, run - at);
        at = run;
        if (at == to) {
          return to;
        }
      }
      byte b = bytes[at];
      switch (KINDS[b & 0xFF]) {
        case LINE_END -> {
          return at;
        }
        case ESCAPED -> {
          escape(out, b);
          at++;
        }
        default -> at += multibyte(out, bytes, at, to);
      }
    }
    return to;
  }

  /// Encodes everything, line ends as escapes; nothing is held back.
  void encodeAll(Bytes out, byte[] bytes) {
    int at = 0;
    while (at < bytes.length) {
      at = encodeLine(out, bytes, at, bytes.length);
      if (at < bytes.length) {
        escape(out, bytes[at++]);
      }
    }
    finish(out);
  }

  /// The stream or the line ends: what was held back will never be completed.
  void finish(Bytes out) {
    for (; heldCount > 0; heldCount--) {
      out.append(REPLACEMENT);
    }
  }

  private int completeHeld(Bytes out, byte[] bytes, int from, int to) {
    int fresh = Math.min(MAX_SEQUENCE, to - from);
    System.arraycopy(bytes, from, held, heldCount, fresh);
    int known = heldCount;
    int total = heldCount + fresh;
    int at = 0;
    while (at < known) {
      int length = sequence(held, at, total);
      if (length == INCOMPLETE) {
        System.arraycopy(held, at, held, 0, total - at);
        heldCount = total - at;
        return from + fresh;
      }
      write(out, held, at, length);
      at += Math.max(1, length);
    }
    heldCount = 0;
    return from + at - known;
  }

  private int multibyte(Bytes out, byte[] bytes, int at, int to) {
    int length = sequence(bytes, at, to);
    if (length == INCOMPLETE) {
      heldCount = to - at;
      System.arraycopy(bytes, at, held, 0, heldCount);
      return heldCount;
    }
    write(out, bytes, at, length);
    return Math.max(1, length);
  }

  private static void write(Bytes out, byte[] bytes, int at, int length) {
    if (length == INVALID) {
      out.append(REPLACEMENT);
    } else if (length == 3
        && bytes[at] == (byte) 0xE2
        && bytes[at + 1] == (byte) 0x80
        && (bytes[at + 2] & 0xFE) == 0xA8) {
      out.append(bytes[at + 2] == (byte) 0xA8 ? LINE_SEPARATOR : PARAGRAPH_SEPARATOR);
    } else {
      out.append(bytes, at, length);
    }
  }

  private static void escape(Bytes out, byte b) {
    byte letter =
        switch (b) {
          case '"', '\\' -> b;
          case '\n' -> 'n';
          case '\r' -> 'r';
          case '\t' -> 't';
          default -> 0;
        };
    if (letter == 0) {
      out.unicodeEscape(b);
    } else {
      out.append((byte) '\\');
      out.append(letter);
    }
  }

  private static final int INVALID = 0;
  private static final int INCOMPLETE = -1;

  /// The length of the well-formed sequence at `at` (RFC 3629), [#INVALID], or [#INCOMPLETE] when
  /// everything up to `to` can still become one.
  private static int sequence(byte[] bytes, int at, int to) {
    int lead = bytes[at] & 0xFF;
    int length = lead < 0xC2 ? INVALID : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == INVALID) {
      return INVALID;
    }
    for (int i = 1; i < length; i++) {
      if (at + i >= to) {
        return INCOMPLETE;
      }
      int next = bytes[at + i] & 0xFF;
      int low = i > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
      int high = i > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
      if (next < low || next > high) {
        return INVALID;
      }
    }
    return length;
  }

  private static byte[] kinds() {
    byte[] kinds = new byte[256];
    for (int i = 0; i < kinds.length; i++) {
      kinds[i] = i < 0x20 ? ESCAPED : i < 0x80 ? PLAIN : MULTIBYTE;
    }
    for (char c : new char[] {'"', '\\', '<', '>', '&'}) {
      kinds[c] = ESCAPED;
    }
    kinds['\n'] = LINE_END;
    kinds['\r'] = LINE_END;
    return kinds;
  }
}
