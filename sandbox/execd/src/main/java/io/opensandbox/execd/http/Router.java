package io.opensandbox.execd.http;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Picks a handler by method and path.
///
/// A pattern is made of segments: text, `{name}` for exactly one non-empty segment, or a final `*`
/// for whatever remains (also nothing). Text wins over a name, a name over `*`. The method `*`
/// stands for every method. An unknown path and a wrong method are both `404 page not found` in
/// plain text; a path that lacks or has a final slash beyond the pattern is redirected (301 for
/// GET, else 307) before the guard sees it. Patterns are added before the server starts.
public final class Router implements Handler {
  private static final byte[] NOT_FOUND = "404 page not found".getBytes(StandardCharsets.US_ASCII);

  private final Node root = new Node();
  private final List<Route> routes = new ArrayList<>();
  private final Handler guard;

  /// One registered pattern.
  public record Route(String method, String pattern) {}

  /// A router that everybody may use.
  public Router() {
    this(_ -> {});
  }

  /// A router with a guard that sees every request, also to unknown paths. A guard that responds or
  /// throws ends the request.
  public Router(Handler guard) {
    this.guard = guard;
  }

  /// Adds a route.
  ///
  /// @throws IllegalArgumentException if the same method and pattern is there already
  public Router add(String method, String pattern, Handler handler) {
    Node node = root;
    for (String segment : segments(pattern)) {
      node = node.child(segment);
    }
    if (node.handlers.putIfAbsent(method, new Target(pattern, handler)) != null) {
      throw new IllegalArgumentException("route registered twice: " + method + " " + pattern);
    }
    routes.add(new Route(method, pattern));
    return this;
  }

  /// All routes, in the order they were added.
  public List<Route> routes() {
    return List.copyOf(routes);
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    String[] segments = segments(exchange.path());
    Map<String, String> parameters = new TreeMap<>();
    Target target = root.find(segments, 0, exchange.method(), parameters);
    if (target == null && redirect(exchange, segments)) {
      return;
    }
    guard.handle(exchange);
    if (exchange.isCommitted()) {
      return;
    }
    if (target == null) {
      exchange.respond(404, "text/plain; charset=utf-8", NOT_FOUND);
      return;
    }
    exchange.matched(target.pattern);
    target.handler.handle(
        parameters.isEmpty() ? exchange : RoutedExchange.matched(exchange, parameters));
  }

  private boolean redirect(Exchange exchange, String[] segments) throws IOException {
    String rawPath = exchange.rawPath();
    if (segments.length == 0 || rawPath.equals("/")) {
      return false;
    }
    boolean slash = segments[segments.length - 1].isEmpty();
    String[] other = new String[segments.length + (slash ? -1 : 1)];
    System.arraycopy(segments, 0, other, 0, Math.min(segments.length, other.length));
    if (!slash) {
      other[segments.length] = "";
    }
    if (root.find(other, 0, exchange.method(), new HashMap<>()) == null) {
      return false;
    }
    String location = slash ? rawPath.substring(0, rawPath.length() - 1) : rawPath + "/";
    String query = exchange.query().raw();
    Headers headers =
        Headers.of(
            "Location", withoutLeadingSlashes(location) + (query.isEmpty() ? "" : "?" + query));
    exchange.respond(exchange.method().equals("GET") ? 301 : 307, headers, new byte[0]);
    return true;
  }

  /// A location that begins with two slashes would send the client to another host.
  private static String withoutLeadingSlashes(String location) {
    int start = 0;
    while (start + 1 < location.length() && location.charAt(start + 1) == '/') {
      start++;
    }
    return location.substring(start);
  }

  /// The parts after each slash; a final slash gives a last empty part.
  private static String[] segments(String path) {
    List<String> parts = new ArrayList<>(6);
    int start = path.startsWith("/") ? 1 : 0;
    for (int slash = path.indexOf('/', start); slash >= 0; slash = path.indexOf('/', start)) {
      parts.add(path.substring(start, slash));
      start = slash + 1;
    }
    parts.add(path.substring(start));
    return parts.toArray(String[]::new);
  }

  private record Target(String pattern, Handler handler) {}

  /// One position in the tree of patterns.
  private static final class Node {
    private final Map<String, Node> texts = new HashMap<>();
    private final Map<String, Target> handlers = new HashMap<>();
    private final Map<String, Node> names = new LinkedHashMap<>();
    private @Nullable Node rest;

    Node child(String segment) {
      if (segment.equals("*")) {
        Node node = rest == null ? new Node() : rest;
        rest = node;
        return node;
      }
      if (segment.startsWith("{") && segment.endsWith("}")) {
        return names.computeIfAbsent(segment.substring(1, segment.length() - 1), _ -> new Node());
      }
      return texts.computeIfAbsent(segment, _ -> new Node());
    }

    @Nullable Target find(
        String[] segments, int at, String method, Map<String, String> parameters) {
      if (at == segments.length) {
        Target target = target(method);
        return target != null || rest == null ? target : rest.target(method);
      }
      Node text = texts.get(segments[at]);
      Target found = text == null ? null : text.find(segments, at + 1, method, parameters);
      if (found == null && !segments[at].isEmpty()) {
        found = findByName(segments, at, method, parameters);
      }
      return found != null || rest == null ? found : rest.target(method);
    }

    private @Nullable Target findByName(
        String[] segments, int at, String method, Map<String, String> parameters) {
      for (Map.Entry<String, Node> name : names.entrySet()) {
        Target found = name.getValue().find(segments, at + 1, method, parameters);
        if (found != null) {
          parameters.put(name.getKey(), segments[at]);
          return found;
        }
      }
      return null;
    }

    private @Nullable Target target(String method) {
      Target target = handlers.get(method);
      return target == null ? handlers.get("*") : target;
    }
  }
}
