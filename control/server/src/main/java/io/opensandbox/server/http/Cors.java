package io.opensandbox.server.http;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/// Lets browsers on any origin in, with credentials; keys protect the API, not origins.
final class Cors {
  private static final byte[] OK = "OK".getBytes(StandardCharsets.US_ASCII);

  private Cors() {}

  /// Adds the headers that the request's `Origin` asks for, if it has one.
  static void decorate(Request request, HttpFields.Mutable headers) {
    String origin = request.getHeaders().get(HttpHeader.ORIGIN);
    if (origin != null) {
      headers.put("Access-Control-Allow-Origin", origin);
      headers.put("Access-Control-Allow-Credentials", "true");
      headers.put("Access-Control-Expose-Headers", "*, X-Request-ID");
      headers.ensureField(new org.eclipse.jetty.http.HttpField(HttpHeader.VARY, "Origin"));
    }
  }

  static boolean isPreflight(Request request) {
    return request.getMethod().equals("OPTIONS")
        && request.getHeaders().contains(HttpHeader.ORIGIN)
        && request.getHeaders().contains("Access-Control-Request-Method");
  }

  static void answerPreflight(Request request, Response response, Callback callback) {
    HttpFields.Mutable headers = response.getHeaders();
    headers.put("Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
    @Nullable String asked = request.getHeaders().get("Access-Control-Request-Headers");
    if (asked != null) {
      headers.put("Access-Control-Allow-Headers", asked);
    }
    headers.put("Access-Control-Max-Age", "600");
    headers.put(HttpHeader.CONTENT_TYPE, "text/plain; charset=utf-8");
    headers.put(HttpHeader.CONTENT_LENGTH, OK.length);
    response.setStatus(200);
    response.write(true, ByteBuffer.wrap(OK), callback);
  }
}
