package io.opensandbox.execd.proxy;

import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.TokenGuard;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// Which headers pass the proxy, after RFC 9110 section 7.6.1.
final class ForwardedHeaders {
  private static final Set<String> HOP_BY_HOP =
      Set.of(
          "connection",
          "keep-alive",
          "proxy-connection",
          "proxy-authenticate",
          "proxy-authorization",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "content-length");

  private ForwardedHeaders() {}

  /// The headers for the target: without those of this hop and execd's token, with the client's
  /// address appended to `X-Forwarded-For`.
  ///
  /// @param upgrade whether the request's upgrade is passed on
  static Headers ofRequest(Headers original, String peer, boolean upgrade) {
    Headers headers = new Headers();
    List<String> named = named(original);
    original.forEach((name, value) -> {
      String lower = name.toLowerCase(Locale.ROOT);
      if (!HOP_BY_HOP.contains(lower) && !named.contains(lower) && !isOurs(lower)) {
        headers.add(name, value);
      }
    });
    if (upgrade) {
      original.first("Upgrade").ifPresent(value -> headers.add("Upgrade", value));
      headers.set("Sec-WebSocket-Version", "13");
    }
    headers.add("X-Forwarded-For", clientOf(original, peer) + ", " + peer);
    return headers.add("X-Forwarded-Proto", "http");
  }

  private static boolean isOurs(String lower) {
    return lower.equalsIgnoreCase(TokenGuard.HEADER)
        || lower.equals("expect")
        || lower.equals("x-forwarded-for")
        || lower.equals("x-forwarded-proto")
        || lower.equals("x-forwarded-host");
  }

  private static String clientOf(Headers original, String peer) {
    String first = original.first("X-Forwarded-For").orElse("");
    int comma = first.indexOf(',');
    String client = (comma < 0 ? first : first.substring(0, comma)).strip();
    return client.isEmpty() ? original.first("X-Real-IP").orElse(peer) : client;
  }

  /// The headers for the client: without those of this hop.
  static Headers ofResponse(Headers original) {
    Headers headers = new Headers();
    List<String> named = named(original);
    original.forEach((name, value) -> {
      String lower = name.toLowerCase(Locale.ROOT);
      if (!HOP_BY_HOP.contains(lower) && !named.contains(lower)) {
        headers.add(name, value);
      }
    });
    return headers;
  }

  /// The headers that a `Connection` field declares to be of this hop only.
  private static List<String> named(Headers original) {
    return original.all("Connection").stream()
        .flatMap(list -> List.of(list.split(",", -1)).stream())
        .map(token -> token.strip().toLowerCase(Locale.ROOT))
        .toList();
  }
}
