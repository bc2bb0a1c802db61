package io.opensandbox.execd.archive;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Reads tar archives: ustar, pax, and GNU's long names. Sparse files and multiple volumes are
/// refused as kinds that nobody knows.
final class TarReader {
  private static final int MAX_EXTENSION_BYTES = 1 << 20;

  private final InputStream in;
  private final byte[] block = new byte[TarWriter.BLOCK];
  private long remaining;
  private long padding;

  TarReader(InputStream in) {
    this.in = in;
  }

  /// The next member, after skipping what was not read of the one before; empty at the end.
  ///
  /// @throws TarException when the archive is not well formed or ends too early
  Optional<TarEntry> next() throws IOException {
    Map<String, String> extended = new HashMap<>();
    while (true) {
      skip(remaining + padding);
      if (!readBlock()) {
        return Optional.empty();
      }
      verifyChecksum();
      int flag = block[156];
      begin(number(124, 12));
      switch (flag) {
        case 'x' -> readRecords(extended);
        case 'g' -> readRecords(new HashMap<>());
        case 'L' -> extended.put("path", zeroTerminated(readExtension()));
        case 'K' -> extended.put("linkpath", zeroTerminated(readExtension()));
        default -> {
          return Optional.of(entry(flag, extended));
        }
      }
    }
  }

  private TarEntry entry(int flag, Map<String, String> extended) throws TarException {
    String name = extended.getOrDefault("path", name());
    TarEntry.Kind kind = TarEntry.Kind.of(flag);
    if (kind == TarEntry.Kind.FILE && name.endsWith("/")) {
      kind = TarEntry.Kind.DIRECTORY;
    }
    String size = extended.get("size");
    if (size != null) {
      begin(decimal(size));
    }
    if (kind != TarEntry.Kind.FILE && kind != TarEntry.Kind.OTHER) {
      begin(0);
    }
    return new TarEntry(
        name,
        kind,
        (int) number(100, 8) & 0777,
        remaining,
        number(136, 12),
        extended.getOrDefault("linkpath", text(157, 100)));
  }

  private void begin(long size) {
    remaining = size;
    padding = (TarWriter.BLOCK - size % TarWriter.BLOCK) % TarWriter.BLOCK;
  }

  private static long decimal(String text) throws TarException {
    try {
      long value = Long.parseLong(text);
      if (value >= 0 && value < Long.MAX_VALUE / 2) {
        return value;
      }
    } catch (NumberFormatException _) { // answered below
    }
    throw new TarException("malformed size");
  }

  /// Reads content of the current member; -1 at its end.
  int read(byte[] into) throws IOException {
    if (remaining == 0) {
      return -1;
    }
    int count = in.read(into, 0, (int) Math.min(into.length, remaining));
    if (count < 0) {
      throw new TarException("the archive ends inside a member");
    }
    remaining -= count;
    return count;
  }

  private boolean readBlock() throws IOException {
    int count = in.readNBytes(block, 0, block.length);
    if (count == 0) {
      throw new TarException("the archive ends without its end marker");
    }
    if (count < block.length) {
      throw new TarException("the archive ends inside a header");
    }
    for (byte b : block) {
      if (b != 0) {
        return true;
      }
    }
    return false;
  }

  private void verifyChecksum() throws TarException {
    long expected = number(148, 8);
    long sum = 0;
    for (int i = 0; i < block.length; i++) {
      sum += i >= 148 && i < 156 ? ' ' : block[i] & 0xff;
    }
    if (sum != expected) {
      throw new TarException("a header's checksum is wrong; this is no tar archive");
    }
  }

  private void skip(long count) throws IOException {
    try {
      in.skipNBytes(count);
    } catch (EOFException e) {
      throw new TarException("the archive ends inside a member", e);
    }
    remaining = 0;
    padding = 0;
  }

  private byte[] readExtension() throws IOException {
    if (remaining > MAX_EXTENSION_BYTES) {
      throw new TarException("an extended header exceeds " + MAX_EXTENSION_BYTES + " bytes");
    }
    byte[] bytes = in.readNBytes((int) remaining);
    if (bytes.length < remaining) {
      throw new TarException("the archive ends inside an extended header");
    }
    remaining = 0;
    return bytes;
  }

  /// Records of the form `LENGTH KEY=VALUE\n`.
  private void readRecords(Map<String, String> records) throws IOException {
    byte[] bytes = readExtension();
    int at = 0;
    while (at < bytes.length) {
      int length = 0;
      int start = at;
      while (at < bytes.length && bytes[at] >= '0' && bytes[at] <= '9' && at - start < 8) {
        length = length * 10 + bytes[at++] - '0';
      }
      int end = start + length;
      if (at >= bytes.length || bytes[at] != ' ' || end > bytes.length || end <= at + 1) {
        throw new TarException("malformed extended header");
      }
      String record = new String(bytes, at + 1, end - at - 2, StandardCharsets.UTF_8);
      int equals = record.indexOf('=');
      if (equals < 0) {
        throw new TarException("malformed extended header");
      }
      records.put(record.substring(0, equals), record.substring(equals + 1));
      at = end;
    }
  }

  private static String zeroTerminated(byte[] bytes) {
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }

  private String name() {
    String prefix = block[257] == 'u' && block[262] == 0 ? text(345, 155) : "";
    String name = text(0, 100);
    return prefix.isEmpty() ? name : prefix + "/" + name;
  }

  private String text(int at, int length) {
    int end = at;
    while (end < at + length && block[end] != 0) {
      end++;
    }
    return new String(block, at, end - at, StandardCharsets.UTF_8);
  }

  /// Octal digits between blanks, or GNU's base 256.
  private long number(int at, int length) throws TarException {
    if ((block[at] & 0x80) != 0) {
      long value = block[at] & 0x7f;
      for (int i = at + 1; i < at + length; i++) {
        if (value > Long.MAX_VALUE >> 10) {
          throw new TarException("a number in a header is too large");
        }
        value = (value << 8) | (block[i] & 0xff);
      }
      return value;
    }
    long value = 0;
    for (int i = at; i < at + length; i++) {
      byte b = block[i];
      if (b >= '0' && b <= '7') {
        value = (value << 3) | (b - '0');
      } else if (b != ' ' && b != 0) {
        throw new TarException("a number in a header is malformed");
      }
    }
    return value;
  }
}
