package io.opensandbox.server.proxy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.PortAddress;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A path of the proxy, taken apart but for the id not decoded.
///
/// @param sandboxId percent-decoded
/// @param port the text between the slashes, percent-decoded; any text
/// @param rest what follows, raw, without leading slashes; empty for the root
record ProxyPath(String sandboxId, String port, String rest) {
  private static final char NOT_UTF_8 = '\uFFFD';

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

  /// What to ask for at `address`: its prefix, the rest of the path, the query.
  ///
  /// Throws `BAD_REQUEST` when the client's bytes were not UTF-8, since they cannot be sent on as
  /// they were.
  String target(PortAddress address, @Nullable String query) {
    var target = address.path() + "/" + rest + (query == null ? "" : "?" + query);
    if (target.indexOf(NOT_UTF_8) >= 0) {
      throw new SandboxException(
          ErrorCode.BAD_REQUEST, "the path and the query must be UTF-8, or percent-encoded");
    }
    return target;
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
