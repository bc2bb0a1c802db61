package io.opensandbox.execd.telemetry;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/// Writes the fields of one protobuf message.
final class Protobuf {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  byte[] bytes() {
    return out.toByteArray();
  }

  Protobuf message(int field, Consumer<Protobuf> content) {
    Protobuf inner = new Protobuf();
    content.accept(inner);
    return bytes(field, inner.bytes());
  }

  /// Adds fields that are written already.
  Protobuf append(byte[] fields) {
    out.writeBytes(fields);
    return this;
  }

  Protobuf text(int field, String text) {
    return bytes(field, text.getBytes(StandardCharsets.UTF_8));
  }

  Protobuf varint(int field, long value) {
    tag(field, VARINT);
    varint(value);
    return this;
  }

  Protobuf fixed64(int field, long value) {
    tag(field, FIXED64);
    return little(value);
  }

  Protobuf number(int field, double value) {
    return fixed64(field, Double.doubleToRawLongBits(value));
  }

  Protobuf packedFixed64(int field, long[] values) {
    Protobuf inner = new Protobuf();
    for (long value : values) {
      inner.little(value);
    }
    return bytes(field, inner.bytes());
  }

  Protobuf packedNumbers(int field, double[] values) {
    Protobuf inner = new Protobuf();
    for (double value : values) {
      inner.little(Double.doubleToRawLongBits(value));
    }
    return bytes(field, inner.bytes());
  }

  private Protobuf bytes(int field, byte[] bytes) {
    tag(field, BYTES);
    varint(bytes.length);
    out.writeBytes(bytes);
    return this;
  }

  private void tag(int field, int type) {
    varint(((long) field << 3) | type);
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      out.write((int) ((rest & 0x7f) | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  private Protobuf little(long value) {
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      out.write((int) (value >>> shift));
    }
    return this;
  }
}
