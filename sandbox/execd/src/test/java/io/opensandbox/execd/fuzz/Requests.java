package io.opensandbox.execd.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.zip.GZIPOutputStream;

/// The bytes of requests around an input.
final class Requests {
  /// The header of a form whose boundary is `b`.
  static final String FORM = "Content-Type: multipart/form-data; boundary=b\r\n";

  /// The headers of a client that asks for a WebSocket.
  static final String HANDSHAKE =
      "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
          + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

  private Requests() {}

  /// A request without a body.
  static byte[] get(String target) {
    return text("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  static byte[] request(String method, String target, String body) {
    return request(method, target, text(body));
  }

  static byte[] request(String method, String target, byte[] body) {
    return request(method, target, "", body);
  }

  /// @param headers lines with their ends
  static byte[] request(String method, String target, String headers, byte[] body) {
    return joined(
        method
            + " "
            + target
            + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
            + body.length
            + "\r\n"
            + headers
            + "\r\n",
        body,
        "");
  }

  /// What a client sends that asks for a WebSocket and does not wait for the answer.
  static byte[] upgrade(String target, byte[] frames) {
    return joined("GET " + target + " HTTP/1.1\r\n" + HANDSHAKE + "\r\n", frames, "");
  }

  /// A form with a file `x` and the input for its metadata.
  static byte[] upload(byte[] input) {
    return joined(
        "--b\r\nContent-Disposition: form-data; name=metadata; filename=m\r\n\r\n",
        input,
        "\r\n--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\nx\r\n--b--\r\n");
  }

  /// A query of a window of lines.
  static String lineWindow(byte[] input) {
    int half = input.length / 2;
    String text = new String(input, StandardCharsets.ISO_8859_1);
    return "offset=" + encoded(text.substring(0, half)) + "&limit=" + encoded(text.substring(half));
  }

  /// Every byte with a percent sign.
  static String encoded(byte[] input) {
    StringBuilder encoded = new StringBuilder();
    for (byte b : input) {
      encoded.append('%').append(HexFormat.of().toHexDigits(b));
    }
    return encoded.toString();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  /// No folders are made outside of the test's: members that name one get another name.
  static byte[] withoutFolder(byte[] input) {
    byte[] output = input.clone();
    for (int i = 0; i + 2 < output.length; i++) {
      if ((output[i] | 32) == 'c' && (output[i + 1] | 32) == 'w' && (output[i + 2] | 32) == 'd') {
        output[i + 1] = 'x';
      }
    }
    return output;
  }

  static byte[] member(String name, byte[] text) {
    String escaped =
        new String(text, StandardCharsets.UTF_8)
            .replace("\\", "\\\\")
            .replace("\"", "\\\"")
            .replaceAll("\\p{Cntrl}", "\\\\u0000");
    return ("{\"command\":\"x\",\"" + name + "\":\"" + escaped + "\"}")
        .getBytes(StandardCharsets.UTF_8);
  }

  static byte[] compressed(byte[] input) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(input);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    byte[] bytes = out.toByteArray();
    bytes[bytes.length - 9 % bytes.length] ^= (byte) (input.length % 3);
    return bytes;
  }

  /// A masked frame of text, or a binary one for an input whose first byte is no letter.
  static byte[] framed(byte[] input) {
    int length = Math.min(input.length, 65535);
    boolean text = length > 0 && input[0] >= '"';
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(text ? 0x81 : 0x82);
    out.write(0x80 | 126);
    out.write(length >>> 8);
    out.write(length);
    out.writeBytes(new byte[4]); // a mask of zeros changes nothing
    out.write(input, 0, length);
    return out.toByteArray();
  }

  static byte[] joined(String before, byte[] input, String after) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(before.getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(input);
    out.writeBytes(after.getBytes(StandardCharsets.ISO_8859_1));
    return out.toByteArray();
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
