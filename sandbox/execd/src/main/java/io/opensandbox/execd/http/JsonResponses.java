package io.opensandbox.execd.http;

import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.protocol.execd.ErrorCode;
import java.io.IOException;

/// Responses in JSON.
public final class JsonResponses {
  /// The content type of every JSON response.
  public static final String CONTENT_TYPE = "application/json; charset=utf-8";

  private JsonResponses() {}

  /// Answers with what was written.
  public static void send(Exchange exchange, int status, JsonWriter json) throws IOException {
    exchange.respond(status, CONTENT_TYPE, json.toBytes());
  }

  /// Answers with the error envelope.
  public static void sendError(Exchange exchange, ErrorCode code, String message)
      throws IOException {
    exchange.respond(code.status(), CONTENT_TYPE, envelope(code.wire(), message));
  }

  /// Answers with the error envelope under further headers.
  public static void sendError(Exchange exchange, ErrorCode code, String message, Headers headers)
      throws IOException {
    exchange.respond(
        code.status(),
        new Headers(headers).set("Content-Type", CONTENT_TYPE),
        envelope(code.wire(), message));
  }

  static byte[] envelope(String code, String message) {
    return new JsonWriter()
        .beginObject()
        .field("code", code)
        .field("message", message)
        .endObject()
        .toBytes();
  }
}
