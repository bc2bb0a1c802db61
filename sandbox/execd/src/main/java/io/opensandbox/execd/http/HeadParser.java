package io.opensandbox.execd.http;

import java.nio.charset.StandardCharsets;
import java.util.List;

/// Parses a complete request head after RFC 9112. Refuses everything that another parser could read
/// differently: bare CR or LF, folded lines, space before the colon, several or odd lengths, a
/// length beside a transfer coding.
final class HeadParser {
  private final byte[] bytes;
  private final int end;
  private int at;

  private HeadParser(byte[] bytes, int start, int end) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /// Parses the head in `bytes[start, end)`, which ends with its empty line.
  static RequestHead parse(byte[] bytes, int start, int end) {
    return new HeadParser(bytes, start, end).head();
  }

  private RequestHead head() {
    String method = method();
    String target = target();
    int minor = version();
    Headers headers = new Headers();
    while (!atLineEnd()) {
      field(headers);
    }
    requireOneHost(headers, minor);
    return withTarget(method, target, minor, headers);
  }

  private String method() {
    int start = at;
    while (at < end && HttpTokens.isTokenChar(bytes[at])) {
      at++;
    }
    if (at == start || at >= end || bytes[at] != ' ' || at - start > 32) {
      throw new BadRequest("malformed request line: no method");
    }
    String method = knownMethod(start, at - start);
    at++;
    return method;
  }

  private String knownMethod(int start, int length) {
    if (length == 3 && bytes[start] == 'G' && bytes[start + 1] == 'E' && bytes[start + 2] == 'T') {
      return "GET";
    }
    if (length == 4
        && bytes[start] == 'P'
        && bytes[start + 1] == 'O'
        && bytes[start + 2] == 'S'
        && bytes[start + 3] == 'T') {
      return "POST";
    }
    return latin1(start, start + length);
  }

  private String target() {
    int start = at;
    while (at < end && bytes[at] != ' ') {
      int b = bytes[at] & 0xff;
      if (b <= ' ' || b == 0x7f) {
        throw new BadRequest("malformed request line: control character in the target");
      }
      at++;
    }
    if (at == start || at >= end) {
      throw new BadRequest("malformed request line: no target or no version");
    }
    return latin1(start, at++);
  }

  private int version() {
    if (end - at < 10
        || bytes[at] != 'H'
        || bytes[at + 1] != 'T'
        || bytes[at + 2] != 'T'
        || bytes[at + 3] != 'P'
        || bytes[at + 4] != '/') {
      throw new BadRequest("malformed request line: no HTTP version");
    }
    if (bytes[at + 5] != '1'
        || bytes[at + 6] != '.'
        || (bytes[at + 7] != '0' && bytes[at + 7] != '1')) {
      throw new BadRequest(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    }
    int minor = bytes[at + 7] - '0';
    at += 8;
    endLine();
    return minor;
  }

  private void field(Headers headers) {
    int start = at;
    while (at < end && HttpTokens.isTokenChar(bytes[at])) {
      at++;
    }
    if (at == start || at >= end || bytes[at] != ':') {
      throw new BadRequest("malformed header line");
    }
    String name = latin1(start, at++);
    while (at < end && isBlank(bytes[at])) {
      at++;
    }
    int from = at;
    while (at < end && bytes[at] != '\r') {
      int b = bytes[at] & 0xff;
      if ((b < ' ' && b != '\t') || b == 0x7f) {
        throw new BadRequest("control character in header \"" + name + "\"");
      }
      at++;
    }
    int to = at;
    while (to > from && isBlank(bytes[to - 1])) {
      to--;
    }
    endLine();
    headers.addUnchecked(name, latin1(from, to));
  }

  private boolean atLineEnd() {
    if (at < end && bytes[at] == '\r') {
      endLine();
      return true;
    }
    return false;
  }

  private void endLine() {
    if (end - at < 2 || bytes[at] != '\r' || bytes[at + 1] != '\n') {
      throw new BadRequest("malformed line end");
    }
    at += 2;
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t';
  }

  private String latin1(int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
  }

  private static void requireOneHost(Headers headers, int minor) {
    int hosts = headers.all("Host").size();
    if (hosts > 1 || (hosts == 0 && minor == 1)) {
      throw new BadRequest("exactly one Host header is required");
    }
  }

  private static RequestHead withTarget(String method, String target, int minor, Headers headers) {
    int fragment = target.indexOf('#');
    if (fragment >= 0) {
      throw new BadRequest("the request target has a fragment");
    }
    int question = target.indexOf('?');
    String query = question < 0 ? "" : target.substring(question + 1);
    String path = path(question < 0 ? target : target.substring(0, question));
    if (!PercentCoding.isWellFormed(path)) {
      throw new BadRequest("the path has a \"%\" that does not begin an escape");
    }
    return new RequestHead(method, path, query, minor, headers, bodyLength(headers, minor));
  }

  private static String path(String target) {
    if (target.startsWith("/") || target.equals("*")) {
      return target;
    }
    int scheme = target.indexOf("://");
    if (scheme <= 0) {
      throw new BadRequest("the request target must be a path");
    }
    int slash = target.indexOf('/', scheme + 3);
    return slash < 0 ? "/" : target.substring(slash);
  }

  private static long bodyLength(Headers headers, int minor) {
    List<String> codings = headers.all("Transfer-Encoding");
    List<String> lengths = headers.all("Content-Length");
    if (!codings.isEmpty()) {
      if (!lengths.isEmpty() || minor == 0) {
        throw new BadRequest("Transfer-Encoding beside Content-Length or in HTTP/1.0");
      }
      if (codings.size() != 1 || !codings.getFirst().equalsIgnoreCase("chunked")) {
        throw new BadRequest(501, "the only transfer coding understood is \"chunked\"");
      }
      return RequestHead.CHUNKED;
    }
    return lengths.isEmpty() ? 0 : contentLength(lengths);
  }

  private static long contentLength(List<String> lengths) {
    String first = lengths.getFirst();
    for (String other : lengths) {
      if (!other.equals(first)) {
        throw new BadRequest("Content-Length headers that differ");
      }
    }
    if (first.isEmpty() || first.length() > 18) {
      throw new BadRequest("malformed Content-Length");
    }
    long length = 0;
    for (int i = 0; i < first.length(); i++) {
      char c = first.charAt(i);
      if (c < '0' || c > '9') {
        throw new BadRequest("malformed Content-Length");
      }
      length = length * 10 + (c - '0');
    }
    return length;
  }
}
