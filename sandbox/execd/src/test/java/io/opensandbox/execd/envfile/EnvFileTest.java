package io.opensandbox.execd.envfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.opensandbox.protocol.execd.LateEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvFileTest {
  private static final Map<String, String> ENVIRONMENT = Map.of("HOME", "/root", "A", "x");

  @Test
  void readsLinesAndSkipsTheRest() {
    String text = "# note\r\n\r\n  A=1  \r\nno equals\nB = two\n=nameless\nexport C=3\nA=2";

    assertThat(EnvFile.parse(text, ENVIRONMENT))
        .isEqualTo(new EnvFile(Map.of(), Map.of("A", "2", "B ", " two", "export C", "3")));
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
    assertThat(EnvFile.parse("V=" + value, ENVIRONMENT).commands())
        .isEqualTo(Map.of("V", expected));
  }

  @Test
  void earlierLinesAreNotReferences() {
    assertThat(EnvFile.parse("B=1\nC=$B", ENVIRONMENT).commands())
        .isEqualTo(Map.of("B", "1", "C", ""));
  }

  @Test
  void environmentOfTheSandboxIsTakenAsItStands_andLinesForCommandsReferToIt() {
    String text =
        String.join(
            "\n", "A=$B", LateEnvironment.BEGIN, "B=$A", "A=y", LateEnvironment.END, "C=$A$HOME");

    assertThat(EnvFile.parse(text, ENVIRONMENT))
        .isEqualTo(new EnvFile(Map.of("A", "y", "B", "$A"), Map.of("A", "$A", "C", "y/root")));
  }

  @Test
  void sandboxHasNothingOfTheLinesForCommands(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("env");
    List<String> warnings = new ArrayList<>();
    var source = new EnvFileSource(file::toString, ENVIRONMENT, warnings::add);

    assertThat(source.sandbox()).isEqualTo(ENVIRONMENT);
    assertThat(warnings).isEmpty();
    Files.writeString(file, "A=z\n" + LateEnvironment.BEGIN + "\nA=y\n" + LateEnvironment.END);
    assertThat(source.sandbox()).isEqualTo(Map.of("HOME", "/root", "A", "y"));
    assertThat(source.read())
        .isEqualTo(
            new EnvFileSource.Variables(source.sandbox(), Map.of("HOME", "/root", "A", "z")));
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
