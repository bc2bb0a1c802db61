package io.opensandbox.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OptionsTest {
  private static final List<String> NAMES = List.of("create", "command");

  @Test
  void targetAlone_isEnough() {
    var options = Options.parse(List.of("--target", "http://h:1"), NAMES);

    assertThat(options)
        .isEqualTo(
            new Options(
                "http://h:1",
                "",
                "opensandbox/demo:local",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Set.of(),
                false));
    assertThat(options.wants(new CreateBenchmark())).isTrue();
    assertThat(options.wants(new CodeBenchmark())).isFalse();
  }

  @Test
  void everyOption_isRead() {
    var options =
        Options.parse(
            List.of(
                "--target",
                "t",
                "--key",
                "k",
                "--image",
                "i",
                "--json",
                "j",
                "--execd",
                "e",
                "--server",
                "s",
                "--only",
                "create,command",
                "--quick"),
            NAMES);

    assertThat(options)
        .isEqualTo(
            new Options(
                "t",
                "k",
                "i",
                Optional.of(Path.of("j")),
                Optional.of(Path.of("e")),
                Optional.of(Path.of("s")),
                Set.of("create", "command"),
                true));
  }

  @Test
  void wrongArguments_areNamed() {
    assertThatThrownBy(() -> Options.parse(List.of("--nope", "x"), NAMES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--nope");
    assertThatThrownBy(() -> Options.parse(List.of("--target", "t", "--only", "x"), NAMES))
        .hasMessageContaining("\"x\"");
    assertThatThrownBy(() -> Options.parse(List.of(), NAMES)).hasMessageContaining("--target");
  }

  @Test
  void keyIsNotPrinted() {
    var options = Options.parse(List.of("--target", "t", "--key", "secret"), NAMES);

    assertThat(options.toString()).doesNotContain("secret");
  }
}
