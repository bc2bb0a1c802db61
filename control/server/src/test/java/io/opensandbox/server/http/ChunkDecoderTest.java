package io.opensandbox.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkDecoderTest {
  @Test
  void whateverTheSplitsTheBodyIsTheSame() throws Exception {
    var random = new Random(11);
    for (int round = 0; round < 2000; round++) {
      var body = new ByteArrayOutputStream();
      byte[] coded = randomChunks(random, body);

      assertThat(decode(coded, random)).as("round %d", round).isEqualTo(body.toByteArray());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello!\r\n",
        "5\r\nhello\n",
        "-5\r\nhello",
        "+5\r\nhello",
        "0x5\r\nhello",
        " 5\r\nhello",
        "\r\n",
        "ffffffffffffffff\r\n",
        "5;a\nb\r\nhello",
        "0\r\n\r\nmore",
        "0\r\nA: b\nC: d\r\n\r\n",
      })
  void malformedCodingIsRefused(String coded) {
    assertThatThrownBy(() -> decode(coded.getBytes(StandardCharsets.US_ASCII), new Random(1)))
        .isInstanceOf(ProtocolException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"5;", "0\r\n"})
  void endlessLinesAreRefused(String start) {
    byte[] coded = Arrays.copyOf(start.getBytes(StandardCharsets.US_ASCII), 100_000);
    Arrays.fill(coded, start.length(), coded.length, (byte) 'x');

    assertThatThrownBy(() -> decode(coded, new Random(1))).isInstanceOf(ProtocolException.class);
  }

  @Test
  void randomBytesNeverDoAnythingButDecodeOrFail() {
    var random = new Random(12);
    var alphabet = "0123456789abcdefF;\r\n\r\n xyz".getBytes(StandardCharsets.US_ASCII);
    for (int round = 0; round < 20_000; round++) {
      byte[] noise = new byte[random.nextInt(60)];
      for (int i = 0; i < noise.length; i++) {
        noise[i] = alphabet[random.nextInt(alphabet.length)];
      }
      try {
        assertThat(decode(noise, random).length).isLessThanOrEqualTo(noise.length);
      } catch (ProtocolException _) {
        // refused
      }
    }
  }

  private static byte[] randomChunks(Random random, ByteArrayOutputStream body) {
    var coded = new ByteArrayOutputStream();
    int chunks = random.nextInt(6);
    for (int i = 0; i < chunks; i++) {
      byte[] data = new byte[1 + random.nextInt(50)];
      random.nextBytes(data);
      var size = Integer.toHexString(data.length);
      var extension = random.nextInt(4) == 0 ? ";name=\"v\"" : "";
      coded.writeBytes((size + extension + "\r\n").getBytes(StandardCharsets.US_ASCII));
      coded.writeBytes(data);
      coded.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
      body.writeBytes(data);
    }
    var trailer = random.nextInt(4) == 0 ? "X-Sum: 1\r\n" : "";
    coded.writeBytes(("0\r\n" + trailer + "\r\n").getBytes(StandardCharsets.US_ASCII));
    return coded.toByteArray();
  }

  private static byte[] decode(byte[] coded, Random random) throws ProtocolException {
    var decoder = new ChunkDecoder();
    var body = new ByteArrayOutputStream();
    int from = 0;
    while (from < coded.length) {
      int to = Math.min(coded.length, from + 1 + random.nextInt(20));
      var piece = ByteBuffer.allocateDirect(40);
      piece.position(3).put(coded, from, to - from).flip().position(3);
      decoder.decode(piece);
      byte[] data = new byte[piece.remaining()];
      piece.get(data);
      body.writeBytes(data);
      from = to;
    }
    return body.toByteArray();
  }
}
