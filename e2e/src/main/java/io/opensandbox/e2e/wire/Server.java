package io.opensandbox.e2e.wire;

import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The lifecycle API of one server. Methods throw [UnexpectedReplyException] for any other answer
/// than the documented success.
public final class Server implements AutoCloseable {
  /// The port on which execd listens in every sandbox.
  public static final int EXECD_PORT = 44772;

  private static final String KEY_HEADER = "OPEN-SANDBOX-API-KEY";
  private static final Duration TIMEOUT = Duration.ofMinutes(2);

  private final Http http;

  /// A client of the server at `url`, for example `http://127.0.0.1:8080`.
  public Server(String url, String apiKey) {
    this.http = Http.to(url.replaceFirst("/+$", "") + "/v1", Map.of(KEY_HEADER, apiKey), TIMEOUT);
  }

  /// Requests of any shape, relative to `/v1`.
  public Http http() {
    return http;
  }

  /// A request body for [#create] with small limits and a ten-minute life.
  ///
  /// @param image reference of an image that the server can get
  /// @param entrypoint the sandbox's own command; empty gives one that waits forever
  public static Map<String, Object> request(String image, String... entrypoint) {
    var body = new LinkedHashMap<String, Object>();
    body.put("image", Map.of("uri", image));
    body.put(
        "entrypoint",
        entrypoint.length == 0 ? List.of("tail", "-f", "/dev/null") : List.of(entrypoint));
    body.put("timeout", 600);
    body.put("resourceLimits", Map.of("cpu", "1", "memory", "512Mi"));
    return body;
  }

  /// Creates a sandbox.
  ///
  /// @return the reply's object
  public Json create(Map<String, Object> request) {
    return http.sendJson("POST", "/sandboxes", request).expect(202).json();
  }

  /// The sandbox, as the server sees it now.
  public Json get(String id) {
    return http.send("GET", "/sandboxes/" + id).expect(200).json();
  }

  /// One page of sandboxes.
  ///
  /// @param query with its question mark, or empty
  public Json list(String query) {
    return http.send("GET", "/sandboxes" + query).expect(200).json();
  }

  /// The query parameter that selects sandboxes by metadata.
  public static String metadataQuery(String key, String value) {
    return "metadata=" + URLEncoder.encode(key + "=" + value, StandardCharsets.UTF_8);
  }

  /// Deletes a sandbox.
  public void delete(String id) {
    http.send("DELETE", "/sandboxes/" + id).expect(204);
  }

  /// Moves the expiry to `expiresAt`.
  public Json renew(String id, Instant expiresAt) {
    return http.sendJson(
            "POST",
            "/sandboxes/" + id + "/renew-expiration",
            Map.of("expiresAt", expiresAt.toString()))
        .expect(200)
        .json();
  }

  /// Where a port of the sandbox is reached, without a scheme.
  public String endpoint(String id, int port, boolean throughServer) {
    return http.send(
            "GET", "/sandboxes/" + id + "/endpoints/" + port + "?use_server_proxy=" + throughServer)
        .expect(200)
        .json()
        .text("endpoint");
  }

  /// HTTP to a port of the sandbox.
  public Http portOf(String id, int port, boolean throughServer) {
    return http.at("http://" + endpoint(id, port, throughServer), Map.of());
  }

  /// The sandbox's execd; waits until it answers, as SDKs do.
  public Execd execd(String id, Duration patience) {
    return execd(id, false, patience);
  }

  /// The sandbox's execd, directly or through the server.
  public Execd execd(String id, boolean throughServer, Duration patience) {
    var execd = new Execd(portOf(id, EXECD_PORT, throughServer));
    var deadline = Deadline.in(patience);
    String last = "no answer";
    while (true) {
      try {
        var reply = execd.http().send("GET", "/ping");
        if (reply.status() == 200) {
          return execd;
        }
        last = reply.status() + " " + reply.text();
      } catch (UncheckedIOException e) {
        last = e.getMessage() == null ? e.toString() : e.getMessage();
      }
      deadline.pauseOrFail("execd of sandbox \"" + id + "\" is not ready: " + last);
    }
  }

  /// Waits until a snapshot is ready; throws `IllegalStateException` when it failed.
  public void awaitSnapshot(String id, Duration patience) {
    var deadline = Deadline.in(patience);
    while (true) {
      var status = http.send("GET", "/snapshots/" + id).expect(200).json().at("status");
      var state = status.text("state");
      if (state.equals("Ready")) {
        return;
      }
      if (state.equals("Failed")) {
        throw new IllegalStateException("snapshot \"" + id + "\" failed: " + status);
      }
      deadline.pauseOrFail("snapshot \"" + id + "\" is still " + state);
    }
  }

  /// Whether the server answers its health route.
  public boolean isHealthy() {
    try {
      return http.at(http.base().replaceFirst("/v1$", ""), Map.of()).send("GET", "/health").status()
          == 200;
    } catch (UncheckedIOException _) {
      return false; // not listening yet, or gone
    }
  }

  @Override
  public void close() {
    http.close();
  }
}
