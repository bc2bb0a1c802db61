package io.opensandbox.server.proxy;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// The little HTTP/1.1 that tests need to look at bytes.
final class RawHttp {
  private RawHttp() {}

  /// A response as it came.
  ///
  /// @param text the body; a char for each byte
  record Answer(String head, String text) {
    int status() {
      return Integer.parseInt(head.substring(9, 12));
    }

    List<String> headers(String name) {
      return RawHttp.headers(head, name);
    }
  }

  /// The same text with the line ends of HTTP.
  static String crlf(String text) {
    return text.replace("\n", "\r\n");
  }

  /// A head with its empty line, or empty text at the end of the stream.
  static String readHead(InputStream in) throws IOException {
    var bytes = new ByteArrayOutputStream();
    while (!endsWithEmptyLine(bytes)) {
      int b = in.read();
      if (b < 0) {
        if (bytes.size() > 0) {
          throw new EOFException("head ended early: " + bytes);
        }
        return "";
      }
      bytes.write(b);
    }
    return bytes.toString(StandardCharsets.ISO_8859_1);
  }

  /// The body that a head announces.
  static byte[] readBody(String head, InputStream in) throws IOException {
    if (headers(head, "transfer-encoding").contains("chunked")) {
      return readChunks(in);
    }
    var length = headers(head, "content-length");
    boolean response = head.startsWith("HTTP/");
    if (length.isEmpty()) {
      return response && !head.startsWith("HTTP/1.1 204") ? RawUpstream.drain(in) : new byte[0];
    }
    return in.readNBytes(Integer.parseInt(length.getFirst()));
  }

  static Answer readAnswer(InputStream in) throws IOException {
    var head = readHead(in);
    if (head.isEmpty()) {
      throw new EOFException("no response");
    }
    return new Answer(head, new String(readBody(head, in), StandardCharsets.ISO_8859_1));
  }

  static List<String> headers(String head, String name) {
    var values = new ArrayList<String>();
    for (var line : head.split("\r\n", -1)) {
      int colon = line.indexOf(':');
      if (colon > 0 && line.substring(0, colon).toLowerCase(Locale.ROOT).equals(name)) {
        values.add(line.substring(colon + 1).strip());
      }
    }
    return values;
  }

  private static byte[] readChunks(InputStream in) throws IOException {
    var body = new ByteArrayOutputStream();
    while (true) {
      int size = Integer.parseInt(readLine(in), 16);
      body.write(in.readNBytes(size));
      var end = readLine(in);
      if (!end.isEmpty()) {
        throw new IOException("chunk not ended: " + end);
      }
      if (size == 0) {
        return body.toByteArray();
      }
    }
  }

  /// The content of the next chunk. The line end of the chunk before it may come only with it.
  static String nextChunk(InputStream in) throws IOException {
    var line = readLine(in);
    int size = Integer.parseInt(line.isEmpty() ? readLine(in) : line, 16);
    return new String(in.readNBytes(size), StandardCharsets.ISO_8859_1);
  }

  static String readLine(InputStream in) throws IOException {
    var line = new StringBuilder();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("line ended early: " + line);
      }
      line.append((char) b);
    }
    return line.substring(0, line.length() - 1);
  }

  private static boolean endsWithEmptyLine(ByteArrayOutputStream bytes) {
    return bytes.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n");
  }
}
