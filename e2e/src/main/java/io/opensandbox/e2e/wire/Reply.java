package io.opensandbox.e2e.wire;

import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// A complete HTTP reply.
public final class Reply {
  private final String request;
  private final int status;
  private final HttpHeaders headers;
  private final byte[] body;

  Reply(String request, int status, HttpHeaders headers, byte[] body) {
    this.request = request;
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  static Reply of(HttpResponse<byte[]> response) {
    var request = response.request();
    return new Reply(
        request.method() + " " + request.uri().getPath(),
        response.statusCode(),
        response.headers(),
        response.body());
  }

  /// Method and path of the request, for messages.
  public String request() {
    return request;
  }

  /// The HTTP status.
  public int status() {
    return status;
  }

  /// The headers as received.
  public HttpHeaders headers() {
    return headers;
  }

  /// The bytes of the body, not copied.
  public byte[] body() {
    return body;
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
