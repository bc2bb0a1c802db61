package io.opensandbox.server.proxy;

import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The head of an HTTP/1.1 request, as bytes.
final class HeaderBlock {
  private byte[] bytes = new byte[1024];
  private int length;

  /// Starts with the request line and `Host`.
  ///
  /// @param target path and query as they go on the wire
  HeaderBlock(String method, String target, String authority) {
    put(method, StandardCharsets.ISO_8859_1);
    put(" ", StandardCharsets.ISO_8859_1);
    put(target, StandardCharsets.UTF_8);
    put(" HTTP/1.1\r\n", StandardCharsets.ISO_8859_1);
    add("Host", authority);
  }

  /// Adds a header; a value is bytes in ISO 8859-1, as the server's parser read it.
  ///
  /// Throws `IllegalArgumentException` for a line break or NUL, which would forge a header.
  HeaderBlock add(String name, @Nullable String value) {
    var text = value == null ? "" : value;
    refuseControl(name);
    refuseControl(text);
    put(name, StandardCharsets.ISO_8859_1);
    put(": ", StandardCharsets.ISO_8859_1);
    put(text, StandardCharsets.ISO_8859_1);
    put("\r\n", StandardCharsets.ISO_8859_1);
    return this;
  }

  /// The finished head, with the empty line.
  ByteBuffer end() {
    put("\r\n", StandardCharsets.ISO_8859_1);
    return ByteBuffer.wrap(bytes, 0, length);
  }

  private static void refuseControl(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\r' || c == '\n' || c == 0) {
        throw new IllegalArgumentException("header with a line break or NUL");
      }
    }
  }

  private void put(String text, Charset charset) {
    byte[] encoded = text.getBytes(charset);
    if (length + encoded.length > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + encoded.length));
    }
    System.arraycopy(encoded, 0, bytes, length, encoded.length);
    length += encoded.length;
  }
}
