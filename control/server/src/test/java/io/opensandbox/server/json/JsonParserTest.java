package io.opensandbox.server.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The strict JSON reader.
class JsonParserTest {
  @Test
  void readsEveryKind() {
    assertThat(
            JsonParser.parse(" {\"a\":[1,-2.5e3,true,false,null],\"b\":\"x\\n\\u00e9\\\"\\/\"} "))
        .isEqualTo(
            new Json.Obj(
                Map.of(
                    "a",
                    new Json.Arr(
                        List.of(
                            new Json.Num(new BigDecimal("1")),
                            new Json.Num(new BigDecimal("-2.5e3")),
                            new Json.Bool(true),
                            new Json.Bool(false),
                            new Json.Null())),
                    "b",
                    new Json.Str("x\n\u00e9\"/"))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "'a'",
        "01",
        "-",
        "1.",
        "1e",
        "+1",
        ".5",
        "NaN",
        "tru",
        "nulls",
        "{} x",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "[1 2]",
        "{\"a\":}",
        "1e99999999999"
      })
  void refusesWhatIsNotJson(String text) {
    assertThatThrownBy(() -> JsonParser.parse(text)).isInstanceOf(JsonSyntaxException.class);
  }

  @Test
  void refusesDeepNestingAndLongNumbers() {
    assertThatThrownBy(() -> JsonParser.parse("[".repeat(100_000)))
        .isInstanceOf(JsonSyntaxException.class);
    assertThatThrownBy(() -> JsonParser.parse("9".repeat(100_000)))
        .isInstanceOf(JsonSyntaxException.class);
  }

  @Test
  void anyTextIsReadOrRefused() {
    var random = new Random(42);
    String alphabet = "{}[]:,\"\\u0123456789abcdefntr.-+eE \n\0\u00e9";
    for (int i = 0; i < 20_000; i++) {
      var text = new StringBuilder();
      for (int length = random.nextInt(30); length > 0; length--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      try {
        assertThat(JsonParser.parse(text.toString())).isNotNull();
      } catch (JsonSyntaxException e) {
        assertThat(e).hasMessageContaining("position");
      }
    }
  }
}
