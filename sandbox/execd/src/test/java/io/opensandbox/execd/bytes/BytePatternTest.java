package io.opensandbox.execd.bytes;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BytePatternTest {
  @Test
  void findsWhatAPlainSearchFinds() {
    var random = new Random(4711);
    for (int round = 0; round < 20_000; round++) {
      // Few different bytes, so that patterns stand near, across and at the ends of each other.
      byte[] text = some(random, random.nextInt(200), 1 + random.nextInt(4));
      byte[] pattern = some(random, 1 + random.nextInt(6), 1 + random.nextInt(4));
      int from = random.nextInt(text.length + 1);
      int to = from + random.nextInt(text.length - from + 1);

      int found = new BytePattern(pattern).find(text, from, to);

      assertThat(found).isEqualTo(plainSearch(text, from, to, pattern));
    }
  }

  @Test
  void findsThePatternAtEachPlaceAmongStrangeBytes() {
    byte[] pattern = "\r\n--boundary".getBytes(StandardCharsets.US_ASCII);
    var wanted = new BytePattern(pattern);
    for (int at = 0; at <= 300 - pattern.length; at++) {
      var text = new byte[300];
      System.arraycopy(pattern, 0, text, at, pattern.length);

      assertThat(wanted.find(text, 0, text.length)).isEqualTo(at);
      assertThat(wanted.find(text, 0, at + pattern.length - 1)).isEqualTo(-1);
    }
  }

  private static byte[] some(Random random, int length, int different) {
    var bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (random.nextInt(different) * 85);
    }
    return bytes;
  }

  private static int plainSearch(byte[] text, int from, int to, byte[] pattern) {
    for (int at = from; at + pattern.length <= to; at++) {
      int same = 0;
      while (same < pattern.length && text[at + same] == pattern[same]) {
        same++;
      }
      if (same == pattern.length) {
        return at;
      }
    }
    return -1;
  }
}
