package io.opensandbox.execd.sql;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Reads the fields of one packet; everything is bounds-checked.
final class Packet {
  private final byte[] bytes;
  private int at;

  Packet(byte[] bytes) {
    this.bytes = bytes;
  }

  int length() {
    return bytes.length;
  }

  /// The first byte, which tells the kind of most packets; -1 for an empty one.
  int kind() {
    return bytes.length == 0 ? -1 : bytes[0] & 0xff;
  }

  boolean isOk() {
    return kind() == 0x00;
  }

  boolean isError() {
    return kind() == 0xff;
  }

  boolean isEof() {
    return kind() == 0xfe && bytes.length < 9;
  }

  Packet skip(int count) throws IOException {
    need(count);
    at += count;
    return this;
  }

  /// Bytes up to a NUL, which is consumed.
  String nulText() throws IOException {
    int end = at;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    String text = new String(bytes, at, end - at, StandardCharsets.UTF_8);
    at = Math.min(bytes.length, end + 1);
    return text;
  }

  /// What is left, as text.
  String rest() {
    return new String(bytes, at, bytes.length - at, StandardCharsets.UTF_8);
  }

  byte[] restBytes() {
    return Arrays.copyOfRange(bytes, at, bytes.length);
  }

  int unsigned16() throws IOException {
    need(2);
    int value = (bytes[at] & 0xff) | (bytes[at + 1] & 0xff) << 8;
    at += 2;
    return value;
  }

  /// A length-encoded integer.
  long number() throws IOException {
    need(1);
    int first = bytes[at++] & 0xff;
    int size =
        switch (first) {
          case 0xfc -> 2;
          case 0xfd -> 3;
          case 0xfe -> 8;
          default -> 0;
        };
    if (size == 0) {
      return first;
    }
    need(size);
    long value = 0;
    for (int i = size - 1; i >= 0; i--) {
      value = (value << 8) | (bytes[at + i] & 0xff);
    }
    at += size;
    return value;
  }

  /// A length-encoded string, or null for NULL.
  @Nullable String text() throws IOException {
    need(1);
    if ((bytes[at] & 0xff) == 0xfb) {
      at++;
      return null;
    }
    long length = number();
    if (length < 0 || length > bytes.length - at) {
      throw new IOException("the database server sent a packet that ends too early");
    }
    String text = new String(bytes, at, (int) length, StandardCharsets.UTF_8);
    at += (int) length;
    return text;
  }

  private void need(int count) throws IOException {
    if (bytes.length - at < count) {
      throw new IOException("the database server sent a packet that ends too early");
    }
  }
}
