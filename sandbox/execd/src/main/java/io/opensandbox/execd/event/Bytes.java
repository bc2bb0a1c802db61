package io.opensandbox.execd.event;

import java.util.Arrays;

/// A byte array that grows.
final class Bytes {
  private static final byte[] HEX = {
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
  };

  private byte[] array;
  private int size;

  Bytes(int capacity) {
    array = new byte[capacity];
  }

  byte[] array() {
    return array;
  }

  int size() {
    return size;
  }

  /// Drops what was appended after the first `size` bytes.
  void truncate(int size) {
    this.size = size;
  }

  void append(byte b) {
    ensure(1);
    array[size++] = b;
  }

  void append(byte[] bytes, int offset, int length) {
    ensure(length);
    System.arraycopy(bytes, offset, array, size, length);
    size += length;
  }

  void append(byte[] bytes) {
    append(bytes, 0, bytes.length);
  }

  /// Appends a number that is not negative, in decimal.
  void decimal(long number) {
    ensure(20);
    int start = size;
    long rest = number;
    do {
      array[size++] = (byte) ('0' + rest % 10);
      rest /= 10;
    } while (rest > 0);
    for (int left = start, right = size - 1; left < right; left++, right--) {
      byte swapped = array[left];
      array[left] = array[right];
      array[right] = swapped;
    }
  }

  /// Appends the escape of a control character or another one below 0x80.
  void unicodeEscape(byte b) {
    ensure(6);
    array[size++] = '\\';
    array[size++] = 'u';
    array[size++] = '0';
    array[size++] = '0';
    array[size++] = HEX[b >> 4 & 0xF];
    array[size++] = HEX[b & 0xF];
  }

  private void ensure(int more) {
    if (array.length - size < more) {
      array = Arrays.copyOf(array, Math.max(size + more, 2 * array.length));
    }
  }
}
