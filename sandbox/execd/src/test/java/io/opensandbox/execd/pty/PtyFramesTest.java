package io.opensandbox.execd.pty;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.WebSocketMessage;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.execd.pty.PtyFrames.Nothing;
import io.opensandbox.execd.pty.PtyFrames.Ping;
import io.opensandbox.execd.pty.PtyFrames.Resize;
import io.opensandbox.execd.pty.PtyFrames.SignalFrame;
import io.opensandbox.execd.pty.PtyFrames.Unknown;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PtyFramesTest {
  static List<Object[]> texts() {
    return List.of(
        new Object[] {"{\"type\":\"ping\"}", new Ping()},
        new Object[] {"{\"type\":\"resize\",\"cols\":80,\"rows\":24}", new Resize(24, 80)},
        new Object[] {"{\"type\":\"resize\",\"cols\":0,\"rows\":24}", new Nothing()},
        new Object[] {"{\"type\":\"resize\",\"cols\":65536,\"rows\":24}", new Nothing()},
        new Object[] {"{\"type\":\"resize\",\"cols\":\"a\",\"rows\":24}", new Nothing()},
        new Object[] {"{\"type\":\"signal\",\"signal\":\"SIGINT\"}", new SignalFrame(Signal.INT)},
        new Object[] {"{\"type\":\"signal\",\"signal\":\"SIGNOPE\"}", new Nothing()},
        new Object[] {"{\"type\":\"other\"}", new Unknown("other")},
        new Object[] {"{}", new Unknown("")},
        new Object[] {"{", new Nothing()},
        new Object[] {"[]", new Nothing()},
        new Object[] {"", new Nothing()});
  }

  @ParameterizedTest
  @MethodSource("texts")
  void textsAreCommands(String text, PtyFrames.Frame expected) {
    assertThat(PtyFrames.parse(new WebSocketMessage.Text(text))).isEqualTo(expected);
  }

  @Test
  void onlyTheInputChannelIsInput() {
    assertThat(PtyFrames.parse(new WebSocketMessage.Binary(new byte[] {0, 'a'})))
        .isInstanceOf(PtyFrames.Input.class);
    for (byte[] bytes : new byte[][] {{}, {0}, {1, 'a'}, {(byte) 0xFF, 'a'}}) {
      assertThat(PtyFrames.parse(new WebSocketMessage.Binary(bytes))).isEqualTo(new Nothing());
    }
  }

  @Test
  void anyTextGivesAFrame() {
    var random = new Random(5);
    String alphabet = "{}[]\":,typeresizcolws0123-.\\u \0";
    for (int i = 0; i < 20_000; i++) {
      var text = new StringBuilder(random.nextBoolean() ? "{\"type\":\"resize\"," : "");
      for (int length = random.nextInt(30); length > 0; length--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      assertThat(PtyFrames.parse(new WebSocketMessage.Text(text.toString()))).isNotNull();
    }
  }
}
