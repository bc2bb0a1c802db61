package io.opensandbox.execd.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  private static JsonObject parse(String text) {
    return JsonParser.parseObject(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void findsMembersByNameThenInAnyCase() {
    assertThat(parse("{\"COMMAND\":\"a\"}").string("command")).hasValue("a");
    assertThat(parse("{\"Command\":\"a\",\"command\":\"b\"}").string("command")).hasValue("b");
    assertThat(parse("{\"a\":1,\"a\":2}").integer("a")).hasValue(2);
  }

  @Test
  void treatsNullAsAbsentEverywhere() {
    JsonObject nulls = parse("{\"a\":null}");

    assertThat(nulls.string("a")).isEmpty();
    assertThat(nulls.integer("a")).isEmpty();
    assertThat(nulls.flag("a")).isFalse();
    assertThat(nulls.object("a")).isEmpty();
    assertThat(nulls.array("a")).isEmpty();
    assertThat(nulls.stringMap("a")).isEmpty();
    assertThat(parse("null").members()).isEmpty();
    assertThat(JsonParser.parseOptionalObject(new byte[] {' ', '\n'}).members()).isEmpty();
  }

  @Test
  void ignoresWhatFollowsTheFirstValue() {
    assertThat(parse("{\"a\":1} trailing {").integer("a")).hasValue(1);
  }

  @Test
  void decodesStrings() {
    assertThat(parse("{\"a\":\"\\u00e9\\n\\\"\\/\\ud83d\\ude00é\"}").string("a"))
        .hasValue("é\n\"/😀é");
    assertThat(parse("{\"a\":\"\\ud83dx\"}").string("a")).hasValue("\ufffdx");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "  ",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "[",
        "nul",
        "tru",
        "01",
        "-",
        "1.",
        "1e",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "{a:1}",
        "'a'",
        "[1]",
        "\"text\"",
        "1",
        "{\"a\":1 \"b\":2}"
      })
  void refusesWhatIsNoObject(String text) {
    assertThatExceptionOfType(ExecdException.class)
        .isThrownBy(() -> parse(text))
        .extracting(ExecdException::code)
        .isEqualTo(ErrorCode.INVALID_REQUEST_BODY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1.5",
        "1e3",
        "\"1\"",
        "true",
        "99999999999999999999",
        "-1",
        "4294967296",
        "[]",
        "{}"
      })
  void refusesOtherTypesAndRangesForAUserId(String value) {
    assertThatExceptionOfType(ExecdException.class)
        .isThrownBy(() -> parse("{\"uid\":" + value + "}").unsignedInt("uid"))
        .withMessageContaining("\"uid\"");
  }

  @Test
  void acceptsTheLargestUserId() {
    assertThat(parse("{\"uid\":4294967295}").unsignedInt("uid")).hasValue(-1);
  }

  @Test
  void refusesDeepNesting() {
    assertThatExceptionOfType(ExecdException.class)
        .isThrownBy(() -> parse("[".repeat(1_000_000)))
        .withMessageContaining("nested");
  }

  @Test
  void escapesWhatEventStreamsMustEscape() {
    assertThat(new JsonWriter().value("<&>\u2028\u2029\"\\\n\r\t\u0001é😀\ud800").toString())
        .isEqualTo("\"\\u003c\\u0026\\u003e\\u2028\\u2029\\\"\\\\\\n\\r\\t\\u0001é😀\ufffd\"");
  }

  @Test
  void writesBytesLikeTheirText() {
    Random random = new Random(5);
    for (int round = 0; round < 2000; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(12); i > 0; i--) {
        text.appendCodePoint(
            random.nextInt(4) == 0 ? 0x2020 + random.nextInt(16) : random.nextInt(0xd800));
      }
      byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);

      assertThat(new JsonWriter().utf8Value(bytes, 0, bytes.length).toBytes())
          .isEqualTo(new JsonWriter().value(text.toString()).toBytes());
    }
  }

  @Test
  void replacesEachInvalidByte() {
    byte[] bytes = {
      'a',
      (byte) 0xff,
      (byte) 0xc3,
      'b',
      (byte) 0xe2,
      (byte) 0x82,
      (byte) 0xed,
      (byte) 0xa0,
      (byte) 0x80
    };

    assertThat(new JsonWriter().utf8Value(bytes, 0, bytes.length).toString())
        .isEqualTo("\"a\ufffd\ufffdb" + "\ufffd".repeat(5) + "\"");
  }

  @Test
  void readsBackWhatItWrote() {
    JsonWriter json =
        new JsonWriter()
            .beginObject()
            .field("s", "x")
            .field("n", -5)
            .field("d", 1.5)
            .name("a")
            .beginArray()
            .value(true)
            .nullValue()
            .endArray()
            .name("o")
            .beginObject()
            .endObject()
            .endObject();

    assertThat(json.toString())
        .isEqualTo("{\"s\":\"x\",\"n\":-5,\"d\":1.5,\"a\":[true,null],\"o\":{}}");
    assertThat(new JsonWriter().value(JsonParser.parse(json.toBytes())).toString())
        .isEqualTo(json.toString());
  }

  @Test
  void survivesRandomDocuments() {
    Random random = new Random(3);
    String[] pieces = {
      "{", "}", "[", "]", "\"", ":", ",", "1", "-", "e", ".", "null", "true", "\\", "u00", " ",
      "\0", "é"
    };
    for (int round = 0; round < 20_000; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(16); i > 0; i--) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      try {
        JsonParser.parse(text.toString().getBytes(StandardCharsets.UTF_8));
      } catch (ExecdException e) {
        assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST_BODY);
      }
    }
  }
}
