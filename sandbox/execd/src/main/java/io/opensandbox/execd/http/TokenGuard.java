package io.opensandbox.execd.http;

import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.protocol.execd.ErrorCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/// Lets requests pass that carry the shared token; an empty token lets everything pass. There is no
/// exemption, not even for `/ping`. The comparison takes the same time for every wrong token.
public final class TokenGuard implements Handler {
  /// The header that carries the token.
  public static final String HEADER = "X-EXECD-ACCESS-TOKEN";

  private static final String MESSAGE = "Unauthorized: invalid or missing header " + HEADER;

  private final byte[] token;

  /// A guard for this token.
  public TokenGuard(String token) {
    this.token = token.getBytes(StandardCharsets.UTF_8);
  }

  /// Answers 401 to a request without the token. The body has the historic `error` beside the
  /// envelope's two members.
  @Override
  public void handle(Exchange exchange) throws IOException {
    if (token.length == 0 || isToken(exchange.headers().first(HEADER).orElse(""))) {
      return;
    }
    byte[] body =
        new JsonWriter()
            .beginObject()
            .field("error", MESSAGE)
            .field("code", ErrorCode.UNAUTHORIZED.wire())
            .field("message", MESSAGE)
            .endObject()
            .toBytes();
    exchange.respond(ErrorCode.UNAUTHORIZED.status(), JsonResponses.CONTENT_TYPE, body);
  }

  private boolean isToken(String given) {
    return MessageDigest.isEqual(token, given.getBytes(StandardCharsets.ISO_8859_1));
  }
}
