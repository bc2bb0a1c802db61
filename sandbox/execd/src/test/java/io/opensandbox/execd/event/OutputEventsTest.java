package io.opensandbox.execd.event;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class OutputEventsTest {
  private static final InstantSource CLOCK = InstantSource.fixed(java.time.Instant.EPOCH);

  private final ByteArrayOutputStream wire = new ByteArrayOutputStream();
  private int largestBatch;

  static List<Object[]> lines() {
    return List.of(
        new Object[] {"a\n\nb\n\n\nc\n", List.of("a", "\n", "b", "\n", "\n", "c")},
        new Object[] {"prog 10%\rprog 20%\n", List.of("prog 10%", "prog 20%")},
        new Object[] {"a\r\nb\r\n", List.of("a", "b")},
        new Object[] {"\r\n\r\n", List.of("\n", "\n")},
        new Object[] {"\r\r\n", List.of("\n", "\n")},
        new Object[] {"no end", List.of("no end")},
        new Object[] {"", List.of()},
        new Object[] {"\n", List.of("\n")},
        new Object[] {
          "tab\tquote\"back\\slash\u0001<&>", List.of("tab\tquote\"back\\slash\u0001<&>")
        },
        new Object[] {"grüße \u2028\u2029 😀\nß", List.of("grüße \u2028\u2029 😀", "ß")});
  }

  @ParameterizedTest
  @MethodSource("lines")
  void eachLineIsOneEvent_howeverTheBytesAreCut(String output, List<String> expected)
      throws IOException {
    byte[] bytes = output.getBytes(StandardCharsets.UTF_8);
    for (int piece = 1; piece <= Math.max(1, bytes.length); piece++) {
      wire.reset();
      var events = events();
      for (int at = 0; at < bytes.length; at += piece) {
        events.stdout(bytes, at, Math.min(piece, bytes.length - at));
        events.idle();
      }
      finish(events);

      assertThat(texts("stdout")).as("pieces of %d", piece).isEqualTo(expected);
    }
  }

  @Test
  void escapesAreThoseOfTheContract() throws IOException {
    var events = events();
    write(events, "<&>\u2028\u2029\u0001\n");
    finish(events);

    assertThat(wire.toString(StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"type\":\"stdout\",\"text\":\"\\u003c\\u0026\\u003e\\u2028\\u2029\\u0001\","
                + "\"timestamp\":0}\n\n");
  }

  @Test
  void eachByteOfNoValidSequenceBecomesAReplacement() throws IOException {
    byte[] bytes = {
      'a', (byte) 0xFF, (byte) 0xC3, '(', (byte) 0xE2, (byte) 0x82, '\n', (byte) 0xF0
    };
    for (int piece = 1; piece <= bytes.length; piece++) {
      wire.reset();
      var events = events();
      for (int at = 0; at < bytes.length; at += piece) {
        events.stdout(bytes, at, Math.min(piece, bytes.length - at));
      }
      finish(events);

      assertThat(texts("stdout")).isEqualTo(List.of("a\uFFFD\uFFFD(\uFFFD\uFFFD", "\uFFFD"));
    }
  }

  @Test
  void surrogatesAndOverlongFormsAreInvalid() throws IOException {
    byte[] bytes = {(byte) 0xED, (byte) 0xA0, (byte) 0x80, (byte) 0xC0, (byte) 0x80};
    var events = events();
    events.stdout(bytes, 0, bytes.length);
    finish(events);

    assertThat(texts("stdout")).isEqualTo(List.of("\uFFFD".repeat(5)));
  }

  @Test
  void longLineIsOneEventAndIsNotHeld() throws IOException {
    var events = events();
    String part = "x".repeat(60_000);
    for (int i = 0; i < 50; i++) {
      write(events, part);
    }
    write(events, "\nnext\n");
    finish(events);

    assertThat(texts("stdout")).isEqualTo(List.of("x".repeat(3_000_000), "next"));
    assertThat(largestBatch).isLessThan(300_000);
  }

  @Test
  void otherStreamCutsALongLineAndNothingIsLost() throws IOException {
    var events = events();
    write(events, "x".repeat(70_000));
    byte[] error = "oops\n".getBytes(StandardCharsets.UTF_8);
    events.stderr(error, 0, error.length);
    write(events, "\nnext\n");
    finish(events);

    assertThat(texts("stdout")).isEqualTo(List.of("x".repeat(70_000), "next"));
    assertThat(texts("stderr")).isEqualTo(List.of("oops"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void anyBytesInAnyPiecesGiveTheEventsOfTheWhole(long seed) throws IOException {
    var random = new Random(seed);
    var bytes = new byte[random.nextInt(200_000)];
    random.nextBytes(bytes);
    String alphabet = "\r\n\n ab\u00e9";
    for (int i = 0; i < bytes.length; i++) {
      if (random.nextInt(3) > 0) {
        bytes[i] = (byte) alphabet.charAt(random.nextInt(alphabet.length()));
      }
    }
    var whole = events();
    whole.stdout(bytes, 0, bytes.length);
    finish(whole);
    List<String> expected = texts("stdout");
    wire.reset();
    var pieces = events();
    for (int at = 0; at < bytes.length; ) {
      int length = Math.min(bytes.length - at, 1 + random.nextInt(random.nextBoolean() ? 5 : 9000));
      pieces.stdout(bytes, at, length);
      at += length;
    }
    finish(pieces);

    assertThat(texts("stdout")).isEqualTo(expected);
  }

  private OutputEvents events() {
    return new OutputEvents(
        new EventBuffer(
            CLOCK,
            (bytes, length, _, _) -> {
              largestBatch = Math.max(largestBatch, length);
              wire.write(bytes, 0, length);
            }));
  }

  private static void write(OutputEvents events, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    events.stdout(bytes, 0, bytes.length);
  }

  private static void finish(OutputEvents events) throws IOException {
    events.finish();
    events.idle();
  }

  private List<String> texts(String type) {
    List<String> texts = new ArrayList<>();
    for (String event : wire.toString(StandardCharsets.UTF_8).split("\n\n", -1)) {
      if (!event.isEmpty()) {
        JsonObject object = JsonParser.parseObject(event.getBytes(StandardCharsets.UTF_8));
        if (object.stringOrEmpty("type").equals(type)) {
          texts.add(object.stringOrEmpty("text"));
        }
      }
    }
    return texts;
  }
}
