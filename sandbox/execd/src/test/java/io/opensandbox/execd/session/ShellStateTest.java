package io.opensandbox.execd.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShellStateTest {
  @Test
  void folderAndScriptAreToldApart() {
    ShellState state = ShellState.parse(bytes("/a b\0x=1\n# complete\n")).orElseThrow();

    assertThat(state.cwd()).isEqualTo("/a b");
    assertThat(new String(state.script(), StandardCharsets.UTF_8)).isEqualTo("x=1\n# complete\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "/a", "/a\0", "/a\0x=1\n", "/a\0# complete", "\0# complete\n", "# complete\n"})
  void tornStateIsNone(String text) {
    assertThat(ShellState.parse(bytes(text))).isEmpty();
  }

  @Test
  void anyBytesAreAStateOrNone() {
    var random = new Random(9);
    for (int i = 0; i < 20_000; i++) {
      var bytes = new byte[random.nextInt(40)];
      random.nextBytes(bytes);
      assertThat(ShellState.parse(bytes)).isNotNull();
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
