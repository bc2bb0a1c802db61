package io.opensandbox.e2e.escape;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/// Writes archives that no honest program writes: names, kinds and modes are taken as they are.
final class TarBytes {
  static final char FILE = '0';
  static final char HARD_LINK = '1';
  static final char SYMBOLIC_LINK = '2';
  static final char CHARACTER_DEVICE = '3';
  static final char BLOCK_DEVICE = '4';
  static final char FIFO = '6';

  private static final char EXTENDED_HEADER = 'x';
  private static final char LONG_NAME = 'L';
  private static final int BLOCK = 512;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /// A regular file.
  TarBytes file(String name, String content) {
    return file(name, 0644, content);
  }

  /// A regular file with any mode.
  TarBytes file(String name, int mode, String content) {
    return member(FILE, name, mode, "", content);
  }

  /// A link of either kind.
  TarBytes link(char kind, String name, String target) {
    return member(kind, name, 0777, target, "");
  }

  /// A device or pipe; devices are the one with the numbers 1 and 3.
  TarBytes node(char kind, String name) {
    return member(kind, name, 0666, "", "");
  }

  /// A file whose real name is in an extended header of POSIX.
  TarBytes fileNamedByRecord(String name, String content) {
    int length = (" path=" + name + "\n").length();
    int total = length + Integer.toString(length).length();
    if (Integer.toString(total).length() > Integer.toString(length).length()) {
      total++;
    }
    return member(EXTENDED_HEADER, "pax", 0644, "", total + " path=" + name + "\n")
        .file("harmless", content);
  }

  /// A file whose real name is in a member of GNU's.
  TarBytes fileNamedByMember(String name, String content) {
    return member(LONG_NAME, "././@LongLink", 0644, "", name + "\0").file("harmless", content);
  }

  private TarBytes member(char kind, String name, int mode, String target, String content) {
    byte[] bytes = content.getBytes(UTF_8);
    byte[] header = new byte[BLOCK];
    put(header, 0, name);
    put(header, 100, "%07o".formatted(mode));
    put(header, 108, "0000000");
    put(header, 116, "0000000");
    put(header, 124, "%011o".formatted(bytes.length));
    put(header, 136, "00000000000");
    header[156] = (byte) kind;
    put(header, 157, target);
    put(header, 257, "ustar\00000");
    put(header, 329, "0000001");
    put(header, 337, "0000003");
    Arrays.fill(header, 148, 156, (byte) ' ');
    int sum = 0;
    for (byte one : header) {
      sum += one & 0xff;
    }
    put(header, 148, "%06o\0".formatted(sum));
    out.writeBytes(header);
    out.writeBytes(bytes);
    out.writeBytes(new byte[(BLOCK - bytes.length % BLOCK) % BLOCK]);
    return this;
  }

  private static void put(byte[] header, int at, String text) {
    byte[] bytes = text.getBytes(US_ASCII);
    System.arraycopy(bytes, 0, header, at, bytes.length);
  }

  /// The archive, with its end.
  byte[] bytes() {
    var all = new ByteArrayOutputStream();
    all.writeBytes(out.toByteArray());
    all.writeBytes(new byte[2 * BLOCK]);
    return all.toByteArray();
  }
}
