package io.opensandbox.execd.envfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvFileTest {
  private static final Map<String, String> ENVIRONMENT = Map.of("HOME", "/root", "A", "x");

  @Test
  void readsLinesAndSkipsTheRest() {
    String text = "# note\r\n\r\n  A=1  \r\nno equals\nB = two\n=nameless\nexport C=3\nA=2";

    assertThat(EnvFile.parse(text, ENVIRONMENT))
        .isEqualTo(Map.of("A", "2", "B ", " two", "export C", "3"));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "$HOME/bin, /root/bin",
        "${HOME}x, /rootx",
        "$NONE|, |",
        "\"$A\", \"x\"",
        "'$A', 'x'",
        "5$, 5$",
        "$1a, a",
        "$$A, A",
        "${A, A",
        "$/x, $/x",
        "a=b, a=b"
      })
  void expandsReferencesFromTheDaemonsEnvironment(String value, String expected) {
    assertThat(EnvFile.parse("V=" + value, ENVIRONMENT)).isEqualTo(Map.of("V", expected));
  }

  @Test
  void earlierLinesAreNotReferences() {
    assertThat(EnvFile.parse("B=1\nC=$B", ENVIRONMENT)).isEqualTo(Map.of("B", "1", "C", ""));
  }

  @Test
  void survivesAnything() {
    var random = new Random(7);
    String alphabet = "$${}A=#\n\r \0\"'x_1*";
    for (int i = 0; i < 20_000; i++) {
      var text = new StringBuilder();
      for (int length = random.nextInt(20); length > 0; length--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      String input = text.toString();
      assertThatCode(() -> EnvFile.parse(input, ENVIRONMENT)).doesNotThrowAnyException();
    }
  }
}
