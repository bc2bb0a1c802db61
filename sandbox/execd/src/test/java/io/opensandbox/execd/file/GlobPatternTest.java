package io.opensandbox.execd.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GlobPatternTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "* a.txt",
        "** a.txt",
        "* .hidden",
        "*.txt a.txt",
        "**/*.txt a.txt",
        "**/**/a.txt a.txt",
        "a.txt/** a.txt",
        "?.txt é.txt",
        "? 😀",
        "a**b aXYb",
        "[abc].txt b.txt",
        "[a-c].txt c.txt",
        "[!a].txt b.txt",
        "[^a].txt b.txt",
        "[-x] -",
        "[x-] -",
        "[\\]] ]",
        "{a,b}.txt b.txt",
        "{a,{b,c}}.txt c.txt",
        "{,a}b b",
        "{a,}b ab",
        "*.{txt,md} x.md",
        "\\*.txt *.txt",
        "!(a).txt b.txt",
        "!(a).txt b.md",
        "!({a,b}).txt c.txt",
        "a,b a,b",
        "} }",
        "(a) (a)",
      })
  void matches(String pattern, String name) {
    assertThat(GlobPattern.compile(pattern).matches(name)).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "*.txt a.md",
        "a a.txt",
        "dir/*.txt a.txt",
        "*/a a",
        "? ab",
        "[abc] d",
        "[!a] a",
        "[z-a] m",
        "{a,b} c",
        "\\* x",
        "!(a).txt a.txt",
        "!({a,b}).txt b.txt",
        "{a/b,c} b",
      })
  void doesNotMatch(String pattern, String name) {
    assertThat(GlobPattern.compile(pattern).matches(name)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[", "[]a]", "[]", "[!]", "[a", "[a-", "{a", "{a,{b}", "\\", "a!b", "!", "!(a", "[\\"
      })
  void refusesMalformedPatterns(String pattern) {
    assertThatExceptionOfType(ExecdException.class)
        .isThrownBy(() -> GlobPattern.compile(pattern))
        .withMessageContaining("pattern")
        .extracting(ExecdException::code)
        .isEqualTo(ErrorCode.INVALID_REQUEST_BODY);
  }

  @Test
  void emptyPatternMatchesOnlyTheEmptyName() {
    assertThat(GlobPattern.compile("").matches("")).isTrue();
    assertThat(GlobPattern.compile("").matches("a")).isFalse();
  }

  @Test
  @Timeout(180)
  void takesBoundedTimeForHostilePatterns() {
    GlobPattern stars = GlobPattern.compile("*a".repeat(500) + "b");
    GlobPattern braces = GlobPattern.compile("{a,a*,*a}".repeat(200) + "b");
    String name = "a".repeat(255);

    assertThat(stars.matches(name)).isFalse();
    assertThat(braces.matches(name)).isFalse();
  }

  @Test
  @Timeout(180)
  void survivesRandomPatterns() {
    Random random = new Random(7);
    String alphabet = "ab*?[]{}!^-,()\\/.é";
    for (int round = 0; round < 20_000; round++) {
      StringBuilder pattern = new StringBuilder();
      int length = random.nextInt(14);
      for (int i = 0; i < length; i++) {
        pattern.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      try {
        GlobPattern.compile(pattern.toString()).matches("ab.é-!");
      } catch (ExecdException e) {
        assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST_BODY);
      }
    }
  }
}
