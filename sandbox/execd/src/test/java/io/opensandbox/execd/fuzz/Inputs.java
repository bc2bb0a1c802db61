package io.opensandbox.execd.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Inputs for one target: first the corpus as it is, then changes of it without end.
final class Inputs {
  private static final int MAX_BYTES = 64 << 10;
  private static final int MAX_CHANGES = 6;

  /// Bytes that parsers tend to trip over.
  private static final List<byte[]> TOKENS =
      List.of(
          text("\0"),
          text("\r\n"),
          text("\n\n"),
          text("%00"),
          text("%2e%2e%2f"),
          text("%"),
          text("%zz"),
          text("../"),
          text("//"),
          text("~"),
          text("$HOME"),
          text("${"),
          text("$UNDEFINED"),
          text("\""),
          text("\\u0000"),
          text("\\ud800"),
          text("{"),
          text("[[[["),
          text("}"),
          text("null"),
          text("-1"),
          text("0"),
          text("9223372036854775808"),
          text("1e999"),
          text("18446744073709551615"),
          text("bytes="),
          text(","),
          text("-"),
          text("*"),
          text("**/"),
          text("!("),
          text("[!a-"),
          text("{a,{b"),
          text("="),
          text("&"),
          text(";"),
          text("\u00e9\ud83d\ude00"),
          new byte[] {(byte) 0xff, (byte) 0xfe},
          new byte[] {(byte) 0xc0, (byte) 0x80},
          new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80});

  private final List<byte[]> corpus;
  private final Random random;
  private int given;

  private Inputs(List<byte[]> corpus, long seed) {
    this.corpus = corpus;
    this.random = new Random(seed);
  }

  /// Reads the corpus of a target.
  static Inputs of(Path folder, long seed) throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
      stream.forEach(files::add);
    }
    files.sort(null);
    List<byte[]> corpus = new ArrayList<>();
    for (Path file : files) {
      corpus.add(Files.readAllBytes(file));
    }
    return new Inputs(corpus, seed);
  }

  /// How many inputs there are before the random ones begin.
  int corpusSize() {
    return corpus.size();
  }

  byte[] next() {
    if (given < corpus.size()) {
      return corpus.get(given++);
    }
    byte[] input = corpus.get(random.nextInt(corpus.size()));
    for (int changes = 1 + random.nextInt(MAX_CHANGES); changes > 0; changes--) {
      input = changed(input);
    }
    return input.length <= MAX_BYTES ? input : Arrays.copyOf(input, MAX_BYTES);
  }

  private byte[] changed(byte[] input) {
    int at = random.nextInt(input.length + 1);
    int to = at + random.nextInt(Math.min(64, input.length - at) + 1);
    byte[] middle = Arrays.copyOfRange(input, at, to);
    return switch (random.nextInt(8)) {
      case 0 -> joined(input, at, TOKENS.get(random.nextInt(TOKENS.size())), at);
      case 1 -> joined(input, at, TOKENS.get(random.nextInt(TOKENS.size())), to);
      case 2 -> joined(input, at, new byte[0], to);
      case 3 -> joined(input, at, middle, at);
      case 4 -> joined(input, at, repeated(middle), to);
      case 5 -> joined(input, at, noise(middle.length + 1), to);
      case 6 -> joined(input, at, corpus.get(random.nextInt(corpus.size())), to);
      default -> flipped(input);
    };
  }

  private static byte[] joined(byte[] input, int until, byte[] middle, int from) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(input, 0, until);
    out.writeBytes(middle);
    out.write(input, from, input.length - from);
    return out.toByteArray();
  }

  private byte[] repeated(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int times = 1 << random.nextInt(10); times > 0 && out.size() < MAX_BYTES; times--) {
      out.writeBytes(bytes);
    }
    return out.toByteArray();
  }

  private byte[] noise(int length) {
    byte[] noise = new byte[length];
    random.nextBytes(noise);
    return noise;
  }

  private byte[] flipped(byte[] input) {
    byte[] flipped = input.clone();
    if (flipped.length > 0) {
      flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return flipped;
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
