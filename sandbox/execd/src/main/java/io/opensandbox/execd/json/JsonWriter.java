package io.opensandbox.execd.json;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Writes JSON as UTF-8 bytes into a buffer that grows and can be used again after [#reset].
///
/// Strings are escaped as the event streams require: control characters, `"`, `\`, and also `<`,
/// `>`, `&`, U+2028 and U+2029; a lone surrogate or an invalid UTF-8 byte becomes U+FFFD. The
/// caller keeps begin and end calls balanced. Not safe for use by several threads.
public final class JsonWriter {
  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
  private static final int MAX_KEPT_BYTES = 256 * 1024;

  private byte[] buffer;
  private int size;
  private boolean needsComma;

  /// An empty writer.
  public JsonWriter() {
    this(256);
  }

  /// An empty writer with room for `capacity` bytes.
  public JsonWriter(int capacity) {
    buffer = new byte[Math.max(16, capacity)];
  }

  /// Opens an object.
  public JsonWriter beginObject() {
    return open('{');
  }

  /// Closes the innermost object.
  public JsonWriter endObject() {
    return close('}');
  }

  /// Opens an array.
  public JsonWriter beginArray() {
    return open('[');
  }

  /// Closes the innermost array.
  public JsonWriter endArray() {
    return close(']');
  }

  /// Writes a member name; exactly one value must follow.
  public JsonWriter name(String name) {
    separate();
    string(name);
    put(':');
    needsComma = false;
    return this;
  }

  /// Writes a string, or `null`.
  public JsonWriter value(@Nullable String text) {
    if (text == null) {
      return nullValue();
    }
    separate();
    string(text);
    needsComma = true;
    return this;
  }

  /// Writes a string whose UTF-8 bytes are given; each invalid byte becomes U+FFFD.
  public JsonWriter utf8Value(byte[] text, int offset, int length) {
    separate();
    put('"');
    utf8(text, offset, offset + length);
    put('"');
    needsComma = true;
    return this;
  }

  /// Writes an integer.
  public JsonWriter value(long number) {
    separate();
    if (number >= 0 && number < 10) {
      put('0' + (int) number);
    } else {
      ascii(Long.toString(number));
    }
    needsComma = true;
    return this;
  }

  /// Writes a number; one that JSON cannot express (NaN, infinite) becomes `null`.
  public JsonWriter value(double number) {
    if (!Double.isFinite(number)) {
      return nullValue();
    }
    separate();
    if (number == Math.rint(number) && Math.abs(number) < 1e15) {
      ascii(Long.toString((long) number));
    } else {
      ascii(Double.toString(number));
    }
    needsComma = true;
    return this;
  }

  /// Writes `true` or `false`.
  public JsonWriter value(boolean flag) {
    separate();
    ascii(flag ? "true" : "false");
    needsComma = true;
    return this;
  }

  /// Writes `null`.
  public JsonWriter nullValue() {
    separate();
    ascii("null");
    needsComma = true;
    return this;
  }

  /// Writes a parsed value again, for example a kernel's MIME bundle.
  public JsonWriter value(JsonValue value) {
    switch (value) {
      case JsonValue.Null _ -> nullValue();
      case JsonValue.Flag flag -> value(flag.value());
      case JsonValue.Numeral number -> {
        separate();
        ascii(number.text());
        needsComma = true;
      }
      case JsonValue.Text text -> value(text.value());
      case JsonArray array -> {
        beginArray();
        array.values().forEach(this::value);
        endArray();
      }
      case JsonObject object -> {
        beginObject();
        object.members().forEach((name, member) -> name(name).value(member));
        endObject();
      }
    }
    return this;
  }

  /// Writes a member.
  public JsonWriter field(String name, @Nullable String text) {
    return name(name).value(text);
  }

  /// Writes a member.
  public JsonWriter field(String name, long number) {
    return name(name).value(number);
  }

  /// Writes a member.
  public JsonWriter field(String name, double number) {
    return name(name).value(number);
  }

  /// Writes a member.
  public JsonWriter field(String name, boolean flag) {
    return name(name).value(flag);
  }

  /// Writes a member that is `null`.
  public JsonWriter nullField(String name) {
    return name(name).nullValue();
  }

  /// Appends bytes between two documents, for example the blank line that ends an event.
  public JsonWriter raw(String ascii) {
    ascii(ascii);
    needsComma = false;
    return this;
  }

  /// The number of bytes written since the start or [#reset].
  public int size() {
    return size;
  }

  /// A copy of what was written.
  public byte[] toBytes() {
    return Arrays.copyOf(buffer, size);
  }

  /// Writes everything to a stream, without flushing it.
  public void writeTo(OutputStream out) throws IOException {
    out.write(buffer, 0, size);
  }

  /// Writes what there is so far to a stream and goes on with an empty buffer in the same document.
  public void drainTo(OutputStream out) throws IOException {
    out.write(buffer, 0, size);
    size = 0;
  }

  /// Empties the writer; a buffer that grew very large is given back.
  public JsonWriter reset() {
    if (buffer.length > MAX_KEPT_BYTES) {
      buffer = new byte[256];
    }
    size = 0;
    needsComma = false;
    return this;
  }

  @Override
  public String toString() {
    return new String(buffer, 0, size, StandardCharsets.UTF_8);
  }

  private JsonWriter open(char bracket) {
    separate();
    put(bracket);
    needsComma = false;
    return this;
  }

  private JsonWriter close(char bracket) {
    put(bracket);
    needsComma = true;
    return this;
  }

  private void separate() {
    if (needsComma) {
      put(',');
    }
  }

  private void string(String text) {
    put('"');
    int length = text.length();
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c < 0x80) {
        escaped((byte) c);
      } else if (c < 0x800) {
        put(0xc0 | (c >> 6));
        put(0x80 | (c & 0x3f));
      } else if (Character.isHighSurrogate(c)
          && i + 1 < length
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        int point = Character.toCodePoint(c, text.charAt(++i));
        put(0xf0 | (point >> 18));
        put(0x80 | ((point >> 12) & 0x3f));
        put(0x80 | ((point >> 6) & 0x3f));
        put(0x80 | (point & 0x3f));
      } else if (Character.isSurrogate(c)) {
        replacement();
      } else if (c == '\u2028' || c == '\u2029') {
        ascii(c == '\u2028' ? "\\u2028" : "\\u2029");
      } else {
        put(0xe0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3f));
        put(0x80 | (c & 0x3f));
      }
    }
    put('"');
  }

  private void utf8(byte[] text, int from, int to) {
    int i = from;
    while (i < to) {
      int plain = i;
      while (plain < to && isPlain(text[plain])) {
        plain++;
      }
      if (plain > i) {
        ensure(plain - i);
        System.arraycopy(text, i, buffer, size, plain - i);
        size += plain - i;
        i = plain;
        continue;
      }
      byte b = text[i];
      if (b >= 0) {
        escaped(b);
        i++;
        continue;
      }
      int length = Utf8.sequenceLength(text, i, to);
      if (length == 0) {
        replacement();
        i++;
        continue;
      }
      if (length == 3
          && b == (byte) 0xe2
          && text[i + 1] == (byte) 0x80
          && (text[i + 2] & 0xfe) == 0xa8) {
        ascii(text[i + 2] == (byte) 0xa8 ? "\\u2028" : "\\u2029");
      } else {
        ensure(length);
        System.arraycopy(text, i, buffer, size, length);
        size += length;
      }
      i += length;
    }
  }

  private static boolean isPlain(byte b) {
    return b >= 0x20 && b != '"' && b != '\\' && b != '<' && b != '>' && b != '&';
  }

  private void escaped(byte b) {
    if (isPlain(b)) {
      put(b);
      return;
    }
    switch (b) {
      case '"' -> ascii("\\\"");
      case '\\' -> ascii("\\\\");
      case '\n' -> ascii("\\n");
      case '\r' -> ascii("\\r");
      case '\t' -> ascii("\\t");
      default -> {
        ascii("\\u00");
        put(HEX[(b >> 4) & 0xf]);
        put(HEX[b & 0xf]);
      }
    }
  }

  private void replacement() {
    put(0xef);
    put(0xbf);
    put(0xbd);
  }

  private void ascii(String text) {
    int length = text.length();
    ensure(length);
    for (int i = 0; i < length; i++) {
      buffer[size++] = (byte) text.charAt(i);
    }
  }

  private void put(int b) {
    ensure(1);
    buffer[size++] = (byte) b;
  }

  private void ensure(int more) {
    if (buffer.length - size < more) {
      buffer = Arrays.copyOf(buffer, Math.max(Math.addExact(size, more), buffer.length * 2));
    }
  }
}
