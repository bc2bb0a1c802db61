package io.opensandbox.execd.file;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.path.PathExpansion;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.util.Map;

/// The file routes on the real server, for tests.
final class FileServer implements AutoCloseable {
  static final String BOUNDARY = "XxBoundaryxX";

  private final TestServer server;

  FileServer(Path spare) {
    this(spare, FileLimits.DEFAULT);
  }

  FileServer(Path spare, FileLimits limits) {
    Router router = new Router();
    new FileRoutes(
            new PathExpansion(() -> Map.of("HOME", spare.toString(), "DIR", spare.toString())),
            AccountDatabase.ofSystem(),
            new FileTimes(ZoneOffset.UTC),
            limits,
            new Leftovers(spare),
            NewOwner.NOBODY)
        .register(router);
    server = new TestServer(router);
  }

  TestServer server() {
    return server;
  }

  RawClient.Response get(String path, String... query) throws IOException {
    return server.get(path + "?" + query(query));
  }

  RawClient.Response getWith(String headers, String path, String... query) throws IOException {
    return server.request(
        "GET " + path + "?" + query(query) + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n\r\n");
  }

  RawClient.Response delete(String path, String... query) throws IOException {
    return server.request("DELETE " + path + "?" + query(query) + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  RawClient.Response post(String path, String body) throws IOException {
    return server.send("POST", path, body.replace('\'', '"'));
  }

  RawClient.Response upload(String form) throws IOException {
    return upload("multipart/form-data; boundary=" + BOUNDARY, form);
  }

  RawClient.Response upload(String contentType, String form) throws IOException {
    byte[] bytes = form.getBytes(StandardCharsets.UTF_8);
    try (RawClient client = server.connect()) {
      client.send(
          "POST /files/upload HTTP/1.1\r\nHost: x\r\nContent-Type: "
              + contentType
              + "\r\nContent-Length: "
              + bytes.length
              + "\r\n\r\n");
      return client.send(bytes).receive();
    }
  }

  /// A part with a file name, as clients send both metadata and contents.
  static String part(String name, String content) {
    return "--"
        + BOUNDARY
        + "\r\nContent-Disposition: form-data; name=\""
        + name
        + "\"; filename=\""
        + name
        + "\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        + content
        + "\r\n";
  }

  static String metadata(Path path) {
    return part("metadata", "{\"path\":\"" + path + "\",\"owner\":null,\"group\":null}");
  }

  static String end() {
    return "--" + BOUNDARY + "--\r\n";
  }

  private static String query(String... pairs) {
    StringBuilder query = new StringBuilder();
    for (int i = 0; i < pairs.length; i += 2) {
      query.append(pairs[i]).append('=');
      query.append(URLEncoder.encode(pairs[i + 1], StandardCharsets.UTF_8)).append('&');
    }
    return query.toString();
  }

  @Override
  public void close() {
    server.close();
  }
}
