package io.opensandbox.execd.path;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PathExpansionTest {
  private final Map<String, String> variables =
      Map.of("HOME", "/home/me", "A", "x", "B_1", "y/z", "T", "~");
  private final PathExpansion expansion = new PathExpansion(() -> variables);

  @ParameterizedTest
  @CsvSource({
    "'', ''",
    "/a/b, /a/b",
    "/$A/b, /x/b",
    "/${A}b, /xb",
    "$B_1/c, y/z/c",
    "/$A$A, /xx",
    "~, /home/me",
    "~/a, /home/me/a",
    "~\\a, /home/me/a",
    "$T/a, /home/me/a",
    "~other/a, ~other/a",
    "/a/~, /a/~",
    "/a$$b, /ab",
    "/a$1b, /ab",
    "/a$?b$#c$*d$@e$!f$-g, /abcdefg",
    "/a$, /a$",
    "/a$/b, /a$/b",
    "/a${/b, /a${/b",
    "/a${}b, /a${}b",
  })
  void expandsText(String text, String expanded) {
    assertThat(PathExpansion.expandText(text, variables)).isEqualTo(expanded);
  }

  /// The shell makes what Java has no text for.
  @Test
  void aNameThatIsNoTextIsFoundAsItIsShown(@TempDir Path directory) throws Exception {
    assumeTrue("UTF-8".equals(System.getProperty("sun.jnu.encoding")), "file names are no UTF-8");
    String script =
        "mkdir \"$1/$(printf 'a\\377')\" && printf x > \"$1/$(printf 'a\\377/b\\376')\"";
    Process shell = new ProcessBuilder("sh", "-c", script, "sh", directory.toString()).start();
    assumeTrue(shell.waitFor() == 0, "this file system has no such names");
    String shown = directory + "/a\ufffd/b\ufffd";

    assertThat(Files.readString(expansion.expand(shown))).isEqualTo("x");
    assertThat(expansion.expand(shown).toString()).isEqualTo(shown);

    Files.writeString(expansion.expand(directory + "/a\ufffd").resolve("b\ufffd"), "text");
    assertThat(Files.readString(expansion.expand(shown))).isEqualTo("text");
    assertThat(expansion.expand(directory + "/no\ufffd/x")).doesNotExist();
  }

  @Test
  void namesAllUndefinedVariablesInOrder() {
    assertThatExceptionOfType(ExecdException.class)
        .isThrownBy(() -> expansion.expand("/$NO_B/${NO_A}/$A"))
        .withMessage("path references undefined environment variables: NO_A,NO_B")
        .extracting(ExecdException::code)
        .isEqualTo(ErrorCode.RUNTIME_ERROR);
  }

  @ParameterizedTest
  @CsvSource({"/a/../b, /b", "/a/./b/, /a/b", "/../.., /"})
  void cleansPaths(String text, Path expected) {
    assertThat(expansion.expand(text)).isEqualTo(expected);
  }

  @Test
  void prefersAnExistingFileWithADollarInItsName(@TempDir Path directory) throws IOException {
    Path file = Files.createFile(directory.resolve("price$A"));

    assertThat(expansion.expand(file.toString())).isEqualTo(file);
    assertThat(expansion.expand(directory + "/other$A")).isEqualTo(directory.resolve("otherx"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a\0b", ""})
  void refusesWhatCannotNameAFile(String text) {
    assertThatExceptionOfType(ExecdException.class)
        .isThrownBy(() -> expansion.expand(text))
        .extracting(ExecdException::code)
        .isEqualTo(ErrorCode.INVALID_REQUEST_BODY);
  }
}
