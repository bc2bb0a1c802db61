package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class SandboxOutputTest {
  private static byte[] frame(int stream, String text) {
    byte[] payload = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer frame = ByteBuffer.allocate(8 + payload.length);
    return frame.put(0, (byte) stream).putInt(4, payload.length).put(8, payload).array();
  }

  private static String text(byte[]... frames) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] frame : frames) {
      all.writeBytes(frame);
    }
    return SandboxOutput.text(new ByteArrayInputStream(all.toByteArray()));
  }

  @Test
  void framesOfBothStreams_areJoinedInOrder() throws IOException {
    assertThat(text(frame(1, "grü"), frame(2, "err\n"), frame(1, "ße\n")))
        .isEqualTo("grüerr\nße\n");
    assertThat(text()).isEmpty();
  }

  @Test
  void characterCutByAFrame_isWhole() throws IOException {
    byte[] whole = "ü".getBytes(StandardCharsets.UTF_8);
    byte[] first = {1, 0, 0, 0, 0, 0, 0, 1, whole[0]};
    byte[] second = {1, 0, 0, 0, 0, 0, 0, 1, whole[1]};

    assertThat(text(first, second)).isEqualTo("ü");
  }

  @Test
  void frameCutShort_isAnError() {
    byte[] frame = frame(1, "hello");

    assertThatThrownBy(() -> text(Arrays.copyOf(frame, 10))).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> text(Arrays.copyOf(frame, 5))).isInstanceOf(IOException.class);
  }

  @Test
  void tooMuch_isCutWithANote() throws IOException {
    byte[] big = frame(1, "x".repeat(9 * 1024 * 1024));

    String text = text(big, big);

    assertThat(text).hasSizeLessThan(17 * 1024 * 1024).endsWith("\n(cut after 16777216 bytes)\n");
  }

  @Test
  void randomBytes_neverHangOrCrash() {
    Random random = new Random(11);
    for (int i = 0; i < 2000; i++) {
      byte[] noise = new byte[random.nextInt(64)];
      random.nextBytes(noise);
      try {
        assertThat(text(noise)).isNotNull();
      } catch (IOException e) {
        assertThat(e.getMessage()).startsWith("the engine");
      }
    }
  }
}
