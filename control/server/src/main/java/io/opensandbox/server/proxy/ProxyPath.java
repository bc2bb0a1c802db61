package io.opensandbox.server.proxy;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// A path of the proxy, taken apart but for the id not decoded.
///
/// @param sandboxId percent-decoded
/// @param port the text between the slashes, percent-decoded; any text
/// @param rest what follows, raw, without leading slashes; empty for the root
record ProxyPath(String sandboxId, String port, String rest) {
  /// Takes apart `[/v1]/sandboxes/{id}/proxy/{port}[/{rest}]`; empty for any other path.
  static Optional<ProxyPath> parse(String rawPath) {
    var path = rawPath.startsWith("/v1/") ? rawPath.substring(3) : rawPath;
    if (!path.startsWith("/sandboxes/")) {
      return Optional.empty();
    }
    int idEnd = path.indexOf('/', "/sandboxes/".length());
    if (idEnd < 0 || !path.startsWith("/proxy/", idEnd)) {
      return Optional.empty();
    }
    int portStart = idEnd + "/proxy/".length();
    int slash = path.indexOf('/', portStart);
    int portEnd = slash < 0 ? path.length() : slash;
    var id = decode(path.substring("/sandboxes/".length(), idEnd));
    if (id.isEmpty() || id.indexOf('/') >= 0 || portStart == portEnd) {
      return Optional.empty();
    }
    return Optional.of(
        new ProxyPath(
            id, decode(path.substring(portStart, portEnd)), withoutSlashes(path, portEnd)));
  }

  private static String withoutSlashes(String path, int from) {
    int start = from;
    while (start < path.length() && path.charAt(start) == '/') {
      start++;
    }
    return path.substring(start);
  }

  private static String decode(String raw) {
    if (raw.indexOf('%') < 0) {
      return raw;
    }
    var bytes = new ByteArrayOutputStream(raw.length());
    byte[] source = raw.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < source.length; i++) {
      int high = i + 2 < source.length ? Character.digit(source[i + 1], 16) : -1;
      int low = i + 2 < source.length ? Character.digit(source[i + 2], 16) : -1;
      if (source[i] == '%' && high >= 0 && low >= 0) {
        bytes.write(high * 16 + low);
        i += 2;
      } else {
        bytes.write(source[i]);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
