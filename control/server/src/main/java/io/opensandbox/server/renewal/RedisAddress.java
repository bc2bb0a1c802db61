package io.opensandbox.server.renewal;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Where a Redis server is, from a DSN such as `redis://user:password@host:6379/0`; `rediss` is
/// TLS.
///
/// @param user empty text for the default user
/// @param database number to select
record RedisAddress(
    String host, int port, boolean tls, String user, Optional<String> password, int database) {
  private static final int DEFAULT_PORT = 6379;

  /// Reads a DSN; [IllegalArgumentException] says what is wrong without repeating the password.
  static RedisAddress parse(String dsn) {
    try {
      var uri = new URI(dsn.strip());
      String scheme = String.valueOf(uri.getScheme());
      if (!scheme.equals("redis") && !scheme.equals("rediss")) {
        throw new IllegalArgumentException("a Redis address begins with redis:// or rediss://");
      }
      if (uri.getHost() == null) {
        throw new IllegalArgumentException("a Redis address needs a host");
      }
      String login = uri.getRawUserInfo() == null ? "" : uri.getRawUserInfo();
      int colon = login.indexOf(':');
      return new RedisAddress(
          uri.getHost().replaceAll("^\\[|]$", ""),
          uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort(),
          scheme.equals("rediss"),
          decode(colon < 0 ? "" : login.substring(0, colon)),
          login.isEmpty() ? Optional.empty() : Optional.of(decode(login.substring(colon + 1))),
          database(uri.getPath()));
    } catch (URISyntaxException _) { // its text would have the password
      throw new IllegalArgumentException("a Redis address looks like redis://host:6379/0");
    }
  }

  private static String decode(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static int database(String path) {
    String number = path == null || path.length() < 2 ? "0" : path.substring(1);
    if (!number.matches("\\d{1,6}")) {
      throw new IllegalArgumentException("the path of a Redis address is the database's number");
    }
    return Integer.parseInt(number);
  }

  /// Its text form hides the login.
  @Override
  public String toString() {
    return host + ":" + port + "/" + database;
  }
}
