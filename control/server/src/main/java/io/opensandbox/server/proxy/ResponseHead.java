package io.opensandbox.server.proxy;

import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.eclipse.jetty.http.HttpField;

/// The head of a sandbox's response.
///
/// @param persistent whether the connection may be used again after the body
/// @param framing how the body ends
record ResponseHead(int status, List<HttpField> fields, boolean persistent, Framing framing) {
  /// How a body ends; RFC 9112 section 6.3.
  sealed interface Framing {
    /// After so many bytes.
    record Fixed(long length) implements Framing {}

    /// With the last chunk.
    record Chunked() implements Framing {}

    /// With the connection.
    record UntilClose() implements Framing {}
  }

  /// Reads a complete head.
  ///
  /// Throws `ProtocolException` for anything that another reader could understand differently.
  ///
  /// @param bytes holds the head, empty line included, in `[from, to)`
  static ResponseHead parse(byte[] bytes, int from, int to) throws ProtocolException {
    var lines = new Lines(bytes, from, to);
    var statusLine = lines.next();
    int status = status(statusLine);
    var fields = new ArrayList<HttpField>();
    for (var line = lines.next(); !line.isEmpty(); line = lines.next()) {
      if (line.charAt(0) == ' ' || line.charAt(0) == '\t') {
        fields.add(folded(fields, line));
      } else {
        fields.add(field(line));
      }
    }
    boolean http11 = statusLine.startsWith("HTTP/1.1");
    var framing = framing(status, fields);
    boolean persistent =
        http11 && !has(fields, "connection", "close") && !(framing instanceof Framing.UntilClose);
    return new ResponseHead(
        status, List.copyOf(fields), persistent && !hasBothLengths(fields), framing);
  }

  /// Whether a body may follow.
  boolean hasBody() {
    return !(framing instanceof Framing.Fixed(long length) && length == 0);
  }

  private static int status(String line) throws ProtocolException {
    boolean wellFormed =
        line.matches("HTTP/1\\.[0-9] [1-9][0-9]{2}( .*)?") && line.indexOf('\0') < 0;
    if (!wellFormed) {
      throw new ProtocolException("the status line is malformed");
    }
    return Integer.parseInt(line, 9, 12, 10);
  }

  private static HttpField field(String line) throws ProtocolException {
    int colon = line.indexOf(':');
    var name = colon < 0 ? "" : line.substring(0, colon).stripTrailing();
    if (name.isEmpty() || !name.chars().allMatch(ResponseHead::isTokenChar)) {
      throw new ProtocolException("a header line is malformed");
    }
    return new HttpField(name, checked(line.substring(colon + 1).strip()));
  }

  /// Joins a folded line to the field before it, as RFC 9112 section 5.2 asks of a proxy.
  private static HttpField folded(List<HttpField> fields, String line) throws ProtocolException {
    if (fields.isEmpty()) {
      throw new ProtocolException("a header line is malformed");
    }
    var last = fields.removeLast();
    return new HttpField(last.getName(), last.getValue() + " " + checked(line.strip()));
  }

  private static String checked(String value) throws ProtocolException {
    for (int i = 0; i < value.length(); i++) {
      if (value.charAt(i) == '\r' || value.charAt(i) == 0) {
        throw new ProtocolException("a header value has a control character");
      }
    }
    return value;
  }

  private static boolean isTokenChar(int c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || "!#$%&'*+-.^_`|~".indexOf(c) >= 0;
  }

  private static Framing framing(int status, List<HttpField> fields) throws ProtocolException {
    if (status < 200 || status == 204 || status == 304) {
      return new Framing.Fixed(0);
    }
    var length = contentLength(fields);
    var coding = String.join(",", values(fields, "transfer-encoding"));
    if (!coding.isEmpty()) {
      if (!coding.strip().equalsIgnoreCase("chunked")) {
        throw new ProtocolException("the transfer coding is not chunked");
      }
      return new Framing.Chunked();
    }
    return length.isPresent() ? new Framing.Fixed(length.getAsLong()) : new Framing.UntilClose();
  }

  private static OptionalLong contentLength(List<HttpField> fields) throws ProtocolException {
    OptionalLong length = OptionalLong.empty();
    for (var value : values(fields, "content-length")) {
      if (value.isEmpty() || value.length() > 18 || !value.chars().allMatch(Character::isDigit)) {
        throw new ProtocolException("the content length is malformed");
      }
      long parsed = Long.parseLong(value);
      if (length.isPresent() && length.getAsLong() != parsed) {
        throw new ProtocolException("two content lengths differ");
      }
      length = OptionalLong.of(parsed);
    }
    return length;
  }

  private static boolean hasBothLengths(List<HttpField> fields) {
    return !values(fields, "content-length").isEmpty()
        && !values(fields, "transfer-encoding").isEmpty();
  }

  static boolean has(List<HttpField> fields, String name, String token) {
    for (var value : values(fields, name)) {
      for (var part : value.split(",", -1)) {
        if (part.strip().equalsIgnoreCase(token)) {
          return true;
        }
      }
    }
    return false;
  }

  private static List<String> values(List<HttpField> fields, String name) {
    var values = new ArrayList<String>(1);
    for (var field : fields) {
      if (field.getName().equalsIgnoreCase(name)) {
        values.add(field.getValue());
      }
    }
    return values;
  }

  /// The lines of a head, ended by LF or CRLF.
  private static final class Lines {
    private final byte[] bytes;
    private final int end;
    private int position;

    Lines(byte[] bytes, int from, int end) {
      this.bytes = bytes;
      this.position = from;
      this.end = end;
    }

    String next() throws ProtocolException {
      int start = position;
      while (position < end && bytes[position] != '\n') {
        position++;
      }
      if (position == end) {
        throw new ProtocolException("the head is incomplete");
      }
      int stop = position > start && bytes[position - 1] == '\r' ? position - 1 : position;
      position++;
      return new String(bytes, start, stop - start, StandardCharsets.ISO_8859_1);
    }
  }
}
