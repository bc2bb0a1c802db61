package io.opensandbox.execd.telemetry;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The fields of a protobuf message, by number.
///
/// @param fields a `Long` for a varint or eight bytes, a `ByteBuffer` for the rest
record ProtobufReader(Map<Integer, List<Object>> fields) {
  static ProtobufReader of(byte[] bytes) {
    return of(ByteBuffer.wrap(bytes));
  }

  private static ProtobufReader of(ByteBuffer bytes) {
    ByteBuffer in = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    Map<Integer, List<Object>> fields = new TreeMap<>();
    while (in.hasRemaining()) {
      long tag = varint(in);
      Object value =
          switch ((int) tag & 7) {
            case 0 -> varint(in);
            case 1 -> in.getLong();
            case 2 -> {
              int length = (int) varint(in);
              ByteBuffer slice = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
              in.position(in.position() + length);
              yield slice;
            }
            default -> throw new IllegalArgumentException("wire type of " + tag);
          };
      fields.computeIfAbsent((int) (tag >>> 3), _ -> new ArrayList<>()).add(value);
    }
    return new ProtobufReader(fields);
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  private Object first(int field) {
    return fields.getOrDefault(field, List.of()).getFirst();
  }

  List<ProtobufReader> messages(int field) {
    return fields.getOrDefault(field, List.of()).stream()
        .map(value -> of((ByteBuffer) value))
        .toList();
  }

  ProtobufReader message(int field) {
    return messages(field).getFirst();
  }

  long number(int field) {
    return (Long) first(field);
  }

  double real(int field) {
    return Double.longBitsToDouble(number(field));
  }

  List<Long> longs(int field) {
    List<Long> longs = new ArrayList<>();
    ByteBuffer in = ((ByteBuffer) first(field)).duplicate();
    in.order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      longs.add(in.getLong());
    }
    return longs;
  }

  String text(int field) {
    ByteBuffer bytes = (ByteBuffer) first(field);
    return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
  }

  /// `KeyValue` messages as a map.
  Map<String, Object> attributes(int field) {
    Map<String, Object> attributes = new TreeMap<>();
    for (ProtobufReader pair : messages(field)) {
      ProtobufReader value = pair.message(2);
      Object content = value.fields().containsKey(1) ? value.text(1) : value.number(3);
      attributes.put(pair.text(1), content);
    }
    return attributes;
  }
}
