package io.opensandbox.execd.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonPrefixTest {
  private static final String WHOLE =
      "{\"header\":{\"a\":[1,{}]},\"text\":\"x\\n\\u00e9\\\"é\uD83D\uDE00]}\"}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"n\":\"out\",\"text\":\"abc | abc",
        "{\"n\":\"out\",\"text\":\"abc\\ | abc",
        "{\"n\":\"out\",\"text\":\"abc\\u00 | abc",
        "{\"n\":\"out\",\"text\":\"abc\\u0041 | abcA",
        "{\"n\":[{\"x\":1}],\"text\":\"}]\\\"abc | }]\"abc",
        "{\"text\":\"whole\"} | whole",
      })
  void closesWhatIsOpen(String prefix, String text) {
    assertThat(parse(prefix.strip()).stringOrEmpty("text")).isEqualTo(text);
  }

  @Test
  void dropsAPartOfACharacter() {
    byte[] bytes = "{\"text\":\"aé".getBytes(StandardCharsets.UTF_8);

    JsonObject cut = JsonPrefix.parseObject(Arrays.copyOf(bytes, bytes.length - 1));

    assertThat(cut.stringOrEmpty("text")).isEqualTo("a");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {"{", "{\"text\"", "{\"text\":", "[1", "{\"text\":tru", "]}", "``"})
  void isEmptyWhenCutElsewhere(String prefix) {
    assertThat(parse(prefix)).isEqualTo(JsonObject.EMPTY);
  }

  @Test
  void everyCutOfATextGivesItsBeginning() {
    byte[] bytes = WHOLE.getBytes(StandardCharsets.UTF_8);
    String whole = parse(WHOLE).stringOrEmpty("text");

    for (int length = 0; length <= bytes.length; length++) {
      assertThat(whole)
          .startsWith(JsonPrefix.parseObject(Arrays.copyOf(bytes, length)).stringOrEmpty("text"));
    }
  }

  @Test
  void neverFailsOnNoise() {
    var random = new Random(7);
    byte[] alphabet = "{}[]\"\\:,u0a\u00e9 ".getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 20_000; i++) {
      byte[] noise = new byte[random.nextInt(40)];
      for (int at = 0; at < noise.length; at++) {
        noise[at] = alphabet[random.nextInt(alphabet.length)];
      }

      assertThat(JsonPrefix.parseObject(noise)).isNotNull();
    }
  }

  private static JsonObject parse(String prefix) {
    return JsonPrefix.parseObject(prefix.getBytes(StandardCharsets.UTF_8));
  }
}
