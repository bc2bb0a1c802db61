package io.opensandbox.runtime.docker.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BodyStreamTest {
  private static InputStream bytes(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String read(BodyStream body) throws IOException {
    return new String(body.readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void fixedBody_endsAtItsLength() throws IOException {
    BodyStream body = BodyStream.fixed(bytes("hello, next answer"), 5);

    assertThat(read(body)).isEqualTo("hello");
    assertThat(body.finishQuickly()).isTrue();
  }

  @Test
  void bodyWithoutLength_endsWithTheConnection() throws IOException {
    assertThat(read(BodyStream.untilEnd(bytes("all of it")))).isEqualTo("all of it");
  }

  @Test
  void bodyThatEndsEarly_isAnError() {
    assertThatThrownBy(() -> read(BodyStream.fixed(bytes("hel"), 5)))
        .isInstanceOf(EOFException.class);
    assertThatThrownBy(() -> read(BodyStream.chunked(bytes("5\r\nhel"))))
        .isInstanceOf(IOException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"zz\r\nx", "-1\r\nx", "\r\n\r\n", "99999999999999999999\r\n"})
  void malformedChunk_isAnError(String text) {
    assertThatThrownBy(() -> read(BodyStream.chunked(bytes(text)))).isInstanceOf(IOException.class);
  }

  @Test
  void randomBytes_neverHangOrCrash() {
    Random random = new Random(7);
    for (int i = 0; i < 2000; i++) {
      byte[] noise = new byte[random.nextInt(200)];
      random.nextBytes(noise);
      for (int j = 0; j < noise.length; j++) {
        noise[j] = "0123456789abc;\r\n".getBytes(StandardCharsets.UTF_8)[noise[j] & 15];
      }
      BodyStream body = BodyStream.chunked(new ByteArrayInputStream(noise));
      try {
        assertThat(body.readAllBytes().length).isLessThanOrEqualTo(noise.length);
      } catch (IOException e) {
        assertThat(e.getMessage()).startsWith("the engine");
      }
    }
  }
}
