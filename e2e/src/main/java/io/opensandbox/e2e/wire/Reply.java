package io.opensandbox.e2e.wire;

import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// A complete HTTP reply.
///
/// @param request method and path, for messages
/// @param status HTTP status
/// @param headers as received
/// @param body may be empty; not copied
public record Reply(String request, int status, HttpHeaders headers, byte[] body) {
  static Reply of(HttpResponse<byte[]> response) {
    var request = response.request();
    return new Reply(
        request.method() + " " + request.uri().getPath(),
        response.statusCode(),
        response.headers(),
        response.body());
  }

  /// The body as UTF-8 text.
  public String text() {
    return new String(body, StandardCharsets.UTF_8);
  }

  /// The body as JSON.
  public Json json() {
    return Json.parse(text());
  }

  /// The first value of a header.
  public Optional<String> header(String name) {
    return headers.firstValue(name);
  }

  /// This reply when its status is `status`; throws [UnexpectedReplyException] otherwise.
  public Reply expect(int status) {
    if (this.status != status) {
      throw new UnexpectedReplyException(this, status);
    }
    return this;
  }
}
