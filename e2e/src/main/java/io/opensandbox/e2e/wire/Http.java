package io.opensandbox.e2e.wire;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;

/// HTTP to one base address with fixed headers. Blocking; safe for many threads.
public final class Http implements AutoCloseable {
  private final HttpClient client;
  private final String base;
  private final Map<String, String> headers;
  private final Duration timeout;

  private Http(HttpClient client, String base, Map<String, String> headers, Duration timeout) {
    this.client = client;
    this.base = base;
    this.headers = Map.copyOf(headers);
    this.timeout = timeout;
  }

  /// HTTP to `base`, for example `http://127.0.0.1:8080/v1`, with `headers` on each request. A
  /// request without an answer (its headers) after `timeout` fails.
  public static Http to(String base, Map<String, String> headers, Duration timeout) {
    var client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(timeout)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();
    return new Http(client, base, headers, timeout);
  }

  /// HTTP to another address over the same connections; closing it does nothing useful, close the
  /// first one.
  public Http at(String otherBase, Map<String, String> otherHeaders) {
    return new Http(client, otherBase, otherHeaders, timeout);
  }

  /// The base address.
  public String base() {
    return base;
  }

  /// Sends a request without a body.
  public Reply send(String method, String path) {
    return Reply.of(exchange(method, path, BodyPublishers.noBody(), BodyHandlers.ofByteArray()));
  }

  /// Sends a request with a JSON body made of maps, lists, texts and numbers.
  public Reply sendJson(String method, String path, Object body) {
    return sendBody(method, path, "application/json", BodyPublishers.ofString(Json.write(body)));
  }

  /// Sends a request with any body.
  public Reply sendBody(String method, String path, String contentType, BodyPublisher body) {
    return Reply.of(
        exchange(method, path, body, BodyHandlers.ofByteArray(), "Content-Type", contentType));
  }

  /// Opens a streamed reply; the caller closes its body.
  public HttpResponse<InputStream> open(
      String method, String path, BodyPublisher body, String... moreHeaders) {
    return exchange(method, path, body, BodyHandlers.ofInputStream(), moreHeaders);
  }

  private <T> HttpResponse<T> exchange(
      String method,
      String path,
      BodyPublisher body,
      BodyHandler<T> handler,
      String... moreHeaders) {
    var request = HttpRequest.newBuilder(URI.create(base + path)).timeout(timeout);
    headers.forEach(request::header);
    if (moreHeaders.length > 0) {
      request.headers(moreHeaders);
    }
    try {
      return client.send(request.method(method, body).build(), handler);
    } catch (IOException e) {
      throw new UncheckedIOException(method + " " + base + path + ": " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted during " + method + " " + path, e);
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
