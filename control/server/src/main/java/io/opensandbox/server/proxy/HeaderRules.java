package io.opensandbox.server.proxy;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;

/// Which headers pass, in both directions; the contract's sections 18.2, 18.3 and 19.
final class HeaderRules {
  private static final Set<String> HOP_BY_HOP =
      Set.of(
          "connection",
          "keep-alive",
          "proxy-authenticate",
          "proxy-authorization",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade");

  private static final Set<String> SENSITIVE =
      Set.of("authorization", "cookie", "open-sandbox-api-key");

  /// Tokens that a client must send itself; the server never lends its own.
  private static final Set<String> NEVER_INJECTED =
      Set.of("opensandbox-secure-access", "opensandbox-egress-auth");

  private HeaderRules() {}

  /// The client's headers as the sandbox gets them, endpoint headers merged in; without `Host` and
  /// without framing, which belong to the connection.
  static void copyRequest(HttpFields from, Map<String, String> endpointHeaders, HeaderBlock to) {
    var dropped = namedByConnection(from);
    var overriding = overriding(endpointHeaders);
    for (var field : from) {
      var name = lower(field.getName());
      if (!HOP_BY_HOP.contains(name)
          && !SENSITIVE.contains(name)
          && !dropped.contains(name)
          && !overriding.contains(name)
          && !name.equals("host")
          && !name.equals("content-length")) {
        to.add(field.getName(), field.getValue());
      }
    }
    endpointHeaders.forEach((name, value) -> {
      if (!NEVER_INJECTED.contains(lower(name))) {
        to.add(name, value);
      }
    });
  }

  /// Adds where the request came from, unless the client said so in a header that passed.
  static void addForwarded(
      HttpFields from, String scheme, String host, String peer, HeaderBlock to) {
    var dropped = namedByConnection(from);
    addForwarded(from, dropped, "X-Forwarded-Proto", scheme, to);
    addForwarded(from, dropped, "X-Forwarded-Host", host, to);
    addForwarded(from, dropped, "X-Forwarded-For", peer, to);
  }

  private static void addForwarded(
      HttpFields from, Set<String> dropped, String name, String value, HeaderBlock to) {
    boolean sent = from.contains(name) && !dropped.contains(lower(name));
    if (!sent && !value.isEmpty()) {
      to.add(name, value);
    }
  }

  /// The sandbox's headers as the client gets them. Repeated ones stay apart. What the server has
  /// set on the response before (its request id, its CORS answer) wins; its own `Date` and `Server`
  /// give way.
  static void copyResponse(List<HttpField> from, HttpFields.Mutable to) {
    var dropped = namedByConnection(from);
    var ours = new HashSet<String>();
    for (var field : to) {
      ours.add(lower(field.getName()));
    }
    ours.remove("vary");
    boolean serverReplaced = false;
    for (var field : from) {
      var name = lower(field.getName());
      if (HOP_BY_HOP.contains(name)
          || dropped.contains(name)
          || name.equals("content-length")
          || name.equals("x-request-id")) {
        continue;
      }
      if (name.equals("date") || (name.equals("server") && !serverReplaced)) {
        to.put(field);
        serverReplaced |= name.equals("server");
      } else if (name.equals("server") || !ours.contains(name)) {
        to.add(field);
      }
    }
  }

  private static Set<String> overriding(Map<String, String> endpointHeaders) {
    if (endpointHeaders.isEmpty()) {
      return Set.of();
    }
    var names = new HashSet<String>();
    for (var name : endpointHeaders.keySet()) {
      if (!NEVER_INJECTED.contains(lower(name))) {
        names.add(lower(name));
      }
    }
    return names;
  }

  private static Set<String> namedByConnection(Iterable<HttpField> fields) {
    Set<String> names = Set.of();
    for (var field : fields) {
      if (field.getName().equalsIgnoreCase("connection") && field.getValue() != null) {
        for (var name : field.getValue().split(",", -1)) {
          if (names.isEmpty()) {
            names = new HashSet<>();
          }
          names.add(lower(name.strip()));
        }
      }
    }
    return names;
  }

  private static String lower(String name) {
    return name.toLowerCase(Locale.ROOT);
  }
}
