package io.opensandbox.execd.json;

import java.nio.charset.StandardCharsets;

/// Well-formed UTF-8 after Unicode table 3-7: no overlong forms, no surrogates, nothing above
/// U+10FFFF.
public final class Utf8 {
  private Utf8() {}

  /// The length of the well-formed sequence at `at`, or 0 if there is none (also when `to` cuts
  /// it).
  public static int sequenceLength(byte[] text, int at, int to) {
    int lead = text[at] & 0xff;
    if (lead < 0x80) {
      return 1;
    }
    if (lead < 0xc2 || lead > 0xf4) {
      return 0;
    }
    int length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (to - at < length) {
      return 0;
    }
    int second = text[at + 1] & 0xff;
    int min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    int max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (second < min || second > max) {
      return 0;
    }
    for (int i = 2; i < length; i++) {
      if ((text[at + i] & 0xc0) != 0x80) {
        return 0;
      }
    }
    return length;
  }

  /// Decodes bytes; whatever is not UTF-8 becomes U+FFFD.
  public static String decode(byte[] text, int offset, int length) {
    return new String(text, offset, length, StandardCharsets.UTF_8);
  }
}
