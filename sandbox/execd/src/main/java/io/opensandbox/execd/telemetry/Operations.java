package io.opensandbox.execd.telemetry;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// What routes are called in metrics.
final class Operations {
  private static final Map<String, String> EXECUTIONS =
      Map.of(
          "POST /code", "run_code",
          "POST /command", "run_command",
          "POST /session/{id}/run", "run_in_session");

  private static final Map<String, String> FILES =
      Map.ofEntries(
          Map.entry("GET /files/info", "info"),
          Map.entry("DELETE /files", "delete"),
          Map.entry("POST /files/permissions", "chmod"),
          Map.entry("POST /files/mv", "rename"),
          Map.entry("POST /directories", "mkdir"),
          Map.entry("DELETE /directories", "rmdir"),
          Map.entry("GET /directories/list", "listdir"),
          Map.entry("GET /files/search", "search"),
          Map.entry("POST /files/replace", "replace"),
          Map.entry("POST /files/upload", "upload"),
          Map.entry("GET /files/download", "download"));

  private static final Pattern PREFIXES =
      Pattern.compile("^(/v1/isolated/session|/v1/filesystem/\\{uid})/\\{[a-z]+}(?=/)");

  private static final Set<String> METHODS =
      Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

  private Operations() {}

  /// The method, or one word for all that nobody knows, since a client may invent any number.
  static String method(String method) {
    return METHODS.contains(method) ? method : "_OTHER";
  }

  static Optional<String> execution(String method, String pattern) {
    return Optional.ofNullable(EXECUTIONS.get(method + " " + pattern));
  }

  /// Also for the files of an isolated session, and on behalf of a user.
  static Optional<String> file(String method, String pattern) {
    String plain = PREFIXES.matcher(pattern).replaceFirst("");
    return Optional.ofNullable(FILES.get(method + " " + plain));
  }

  /// The template as the reference names it: `/code/contexts/:contextId`.
  static String route(String pattern) {
    if (pattern.startsWith("/proxy")) {
      return "unknown";
    }
    String id = ":id";
    if (pattern.startsWith("/code/contexts/")) {
      id = ":contextId";
    } else if (pattern.contains("session/") || pattern.startsWith("/pty/")) {
      id = ":sessionId";
    }
    return pattern.replace("{id}", id).replace("{run}", ":runId");
  }
}
