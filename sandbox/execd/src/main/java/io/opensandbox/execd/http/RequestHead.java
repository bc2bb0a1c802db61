package io.opensandbox.execd.http;

/// A parsed request line with its headers.
///
/// @param rawPath characters stand for bytes, begins with `/` (or is `*`)
/// @param rawQuery without the `?`; empty when there is none
/// @param minor 0 or 1 of HTTP/1.x
/// @param length of the body in bytes; -1 when it is chunked
record RequestHead(
    String method, String rawPath, String rawQuery, int minor, Headers headers, long length) {
  static final long CHUNKED = -1;

  boolean wantsKeepAlive() {
    if (headers.hasToken("Connection", "close")) {
      return false;
    }
    return minor == 1 || headers.hasToken("Connection", "keep-alive");
  }

  boolean expectsContinue() {
    return minor == 1 && headers.hasToken("Expect", "100-continue");
  }
}
