package io.opensandbox.execd.http;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/// The server's side of the opening handshake, RFC 6455 section 4.2.
final class WebSocketHandshake {
  private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

  private WebSocketHandshake() {}

  static boolean isUpgrade(Exchange exchange) {
    return exchange.headers().hasToken("Connection", "Upgrade")
        && exchange.headers().hasToken("Upgrade", "websocket");
  }

  /// The value of `Sec-WebSocket-Accept`, after checking the request.
  static String accept(Exchange exchange) {
    if (!exchange.method().equals("GET") || !isUpgrade(exchange)) {
      throw invalid("this address speaks WebSocket: send a GET with \"Upgrade: websocket\"");
    }
    if (!exchange.headers().first("Sec-WebSocket-Version").orElse("").equals("13")) {
      throw invalid("header Sec-WebSocket-Version must be 13");
    }
    String key = exchange.headers().first("Sec-WebSocket-Key").orElse("");
    if (!isKey(key)) {
      throw invalid("header Sec-WebSocket-Key must be 16 bytes in base64");
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-1")
              .digest((key + GUID).getBytes(StandardCharsets.US_ASCII));
      return Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-1", e);
    }
  }

  private static boolean isKey(String key) {
    try {
      return Base64.getDecoder().decode(key).length == 16;
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(ErrorCode.MALFORMED_REQUEST, message);
  }
}
