package io.opensandbox.server.store;

import java.net.URI;
import java.util.Optional;

/// Where a PostgreSQL database is and how to log in.
///
/// @param host name or address; an IPv6 address in brackets
/// @param database its name
/// @param options query text for the driver, such as `sslmode=verify-full`; may be empty
/// @param maxConnections that one server opens
public record PostgresqlAddress(
    String host,
    int port,
    String database,
    String options,
    Optional<String> user,
    Optional<String> password,
    int maxConnections) {
  private static final int DEFAULT_PORT = 5432;

  /// What a `postgresql://HOST[:PORT]/DATABASE[?OPTIONS]` names.
  ///
  /// Throws [IllegalArgumentException], without the text, for anything else; a login in the text is
  /// refused, because addresses are logged.
  public static PostgresqlAddress parse(
      String url, Optional<String> user, Optional<String> password, int maxConnections) {
    URI uri = parse(url);
    String path = uri.getPath() == null ? "" : uri.getPath();
    if (!"postgresql".equals(uri.getScheme())
        || uri.getHost() == null
        || !path.matches("/[^/]+")
        || uri.getUserInfo() != null
        || uri.getFragment() != null) {
      throw malformed();
    }
    String options = uri.getRawQuery() == null ? "" : uri.getRawQuery();
    if (options.matches("(.*&)?(user|password)=.*")) {
      throw malformed();
    }
    return new PostgresqlAddress(
        uri.getHost(),
        uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort(),
        path.substring(1),
        options,
        user,
        password,
        maxConnections);
  }

  private static URI parse(String url) {
    try {
      return URI.create(url);
    } catch (IllegalArgumentException _) { // its message has the text, which may hold a password
      throw malformed();
    }
  }

  private static IllegalArgumentException malformed() {
    return new IllegalArgumentException(
        "must be postgresql://HOST[:PORT]/DATABASE[?OPTIONS], without user and password");
  }

  /// Names the database without credentials.
  String location() {
    return "postgresql://" + host + ":" + port + "/" + database;
  }

  String jdbcUrl() {
    return "jdbc:" + location() + (options.isEmpty() ? "" : "?" + options);
  }

  /// Its text form hides the password.
  @Override
  public String toString() {
    return location();
  }
}
