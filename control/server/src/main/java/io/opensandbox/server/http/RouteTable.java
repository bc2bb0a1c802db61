package io.opensandbox.server.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// The routes of the server, in the order in which features add them.
public final class RouteTable {
  private final List<Entry> entries = new ArrayList<>();

  /// One route.
  ///
  /// @param method of HTTP
  /// @param path template such as `/sandboxes/{id}`
  public record Entry(String method, String path, Route route) {}

  /// Adds a route at the root and under `/v1`.
  public void add(String method, String path, Route route) {
    addAtRoot(method, path, route);
    addAtRoot(method, "/v1" + path, route);
  }

  /// Adds a route at the root only.
  public void addAtRoot(String method, String path, Route route) {
    entries.add(new Entry(method, path, route));
  }

  /// Every route.
  public List<Entry> entries() {
    return List.copyOf(entries);
  }

  /// The methods that a concrete path has routes for.
  Set<String> methods(String path) {
    Set<String> methods = new TreeSet<>();
    for (Entry entry : entries) {
      if (matches(entry.path(), path)) {
        methods.add(entry.method());
      }
    }
    return methods;
  }

  private static boolean matches(String template, String path) {
    String[] wanted = template.split("/", -1);
    String[] given = path.split("/", -1);
    if (wanted.length != given.length) {
      return false;
    }
    for (int i = 0; i < wanted.length; i++) {
      boolean parameter = wanted[i].startsWith("{");
      if (parameter ? given[i].isEmpty() : !wanted[i].equals(given[i])) {
        return false;
      }
    }
    return true;
  }
}
