package io.opensandbox.runtime.local;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Gives tokens for a registry to those who know the password (the distribution project's token
/// authentication).
final class TestTokens implements AutoCloseable {
  static final String NAME = "osl-tokens";

  private static final Pattern SCOPE = Pattern.compile("scope=repository:([^:&]+):([^&]+)");
  private static final String LOGIN =
      "Basic "
          + Base64.getEncoder()
              .encodeToString(
                  (TestRegistry.USER + ":" + TestRegistry.PASSWORD)
                      .getBytes(StandardCharsets.UTF_8));

  private final TestKey key;
  private final HttpServer server;

  TestTokens(TestKey key) throws IOException {
    this.key = key;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/token", this::answer);
    server.start();
  }

  TestKey key() {
    return key;
  }

  /// Where tokens are given.
  String realm() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/token";
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      boolean known = LOGIN.equals(exchange.getRequestHeaders().getFirst("Authorization"));
      String query = exchange.getRequestURI().getRawQuery();
      byte[] body =
          (known ? "{\"token\":\"" + token(query == null ? "" : query) + "\"}" : "{}")
              .getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(known ? 200 : 401, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private String token(String query) throws IOException {
    Matcher scope = SCOPE.matcher(URLDecoder.decode(query, StandardCharsets.UTF_8));
    String access =
        scope.find()
            ? "{\"type\":\"repository\",\"name\":\"%s\",\"actions\":[\"%s\"]}"
                .formatted(scope.group(1), scope.group(2).replace(",", "\",\""))
            : "";
    long now = Instant.now().getEpochSecond();
    try {
      return key.sign(
          "{\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"%s\",\"jti\":\"1\",\"iat\":%d,\"nbf\":%d,\"exp\":%d,\"access\":[%s]}"
              .formatted(NAME, NAME, TestRegistry.USER, now, now - 60, now + 600, access));
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
