package io.opensandbox.execd.file;

/// What a `Range` header means for a file of a certain size (RFC 9110 section 14, `bytes` only).
sealed interface ByteRange {
  /// A part of the file: `length` bytes from `start`, at least one.
  record Satisfiable(long start, long length) implements ByteRange {}

  /// A well-formed range beyond the end.
  record Unsatisfiable() implements ByteRange {}

  /// Not a range of bytes.
  record Malformed() implements ByteRange {}

  /// Reads the header; of several ranges the first satisfiable one counts.
  static ByteRange parse(String header, long size) {
    if (!header.startsWith("bytes=")) {
      return new Malformed();
    }
    ByteRange first = new Malformed();
    for (String item : header.substring("bytes=".length()).split(",", -1)) {
      ByteRange range = parseOne(item.strip(), size);
      if (range instanceof Malformed) {
        return range;
      }
      if (!(first instanceof Satisfiable)) {
        first = range;
      }
    }
    return first;
  }

  private static ByteRange parseOne(String item, long size) {
    int dash = item.indexOf('-');
    if (dash < 0) {
      return new Malformed();
    }
    long start = number(item.substring(0, dash));
    long end = number(item.substring(dash + 1));
    if (dash == 0) {
      return end < 0 ? new Malformed() : suffix(end, size);
    }
    boolean open = dash == item.length() - 1;
    if (start < 0 || (!open && end < start)) {
      return new Malformed();
    }
    if (start >= size) {
      return new Unsatisfiable();
    }
    long last = open ? size - 1 : Math.min(end, size - 1);
    return new Satisfiable(start, last - start + 1);
  }

  private static ByteRange suffix(long length, long size) {
    if (length == 0 || size == 0) {
      return new Unsatisfiable();
    }
    long taken = Math.min(length, size);
    return new Satisfiable(size - taken, taken);
  }

  /// Digits only; -1 for anything else, the largest long when there are too many.
  private static long number(String text) {
    if (text.isEmpty()) {
      return -1;
    }
    long value = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = value > (Long.MAX_VALUE - 9) / 10 ? Long.MAX_VALUE / 10 : value * 10 + digit;
    }
    return value;
  }
}
