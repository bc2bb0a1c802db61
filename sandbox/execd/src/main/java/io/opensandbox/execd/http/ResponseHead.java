package io.opensandbox.execd.http;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// The bytes of a status or request line and headers.
final class ResponseHead {
  private byte[] bytes = new byte[512];
  private int size;

  ResponseHead(int status) {
    text("HTTP/1.1 ");
    text(Integer.toString(status));
    text(" ");
    text(StatusText.of(status));
    text("\r\n");
  }

  private ResponseHead() {}

  /// A request's head.
  static ResponseHead ofRequest(String method, String target) {
    ResponseHead head = new ResponseHead();
    head.text(method);
    head.text(" ");
    head.text(target);
    head.text(" HTTP/1.1\r\n");
    return head;
  }

  ResponseHead field(String name, String value) {
    text(name);
    text(": ");
    text(value);
    text("\r\n");
    return this;
  }

  byte[] end() {
    text("\r\n");
    return Arrays.copyOf(bytes, size);
  }

  private void text(String latin1) {
    int length = latin1.length();
    if (bytes.length - size < length) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + length));
    }
    byte[] encoded = latin1.getBytes(StandardCharsets.ISO_8859_1);
    System.arraycopy(encoded, 0, bytes, size, length);
    size += length;
  }
}
