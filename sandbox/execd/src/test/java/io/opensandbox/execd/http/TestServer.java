package io.opensandbox.execd.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/// The real server on a free loopback port, for tests.
public final class TestServer implements AutoCloseable {
  /// Short times, so that tests of time limits end soon.
  public static final HttpLimits LIMITS =
      new HttpLimits(
          16 * 1024,
          64,
          Duration.ofSeconds(60),
          Duration.ofSeconds(60),
          Duration.ofSeconds(60),
          64 * 1024);

  private final HttpServer server;
  private final List<Throwable> failures = new CopyOnWriteArrayList<>();

  /// Starts a server with short limits.
  public TestServer(Handler root) {
    this(root, LIMITS);
  }

  /// Starts a server.
  public TestServer(Handler root, HttpLimits limits) {
    this(root, limits, HttpObserver.NONE);
  }

  /// Starts a server.
  ///
  /// @param observer told of its requests
  public TestServer(Handler root, HttpLimits limits, HttpObserver observer) {
    try {
      ServerSocketChannel listener = ServerSocketChannel.open();
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1024);
      server =
          new HttpServer(
              listener,
              root,
              limits,
              HttpObserver.both(
                  observer,
                  new HttpObserver() {
                    @Override
                    public void failed(Exchange exchange, Throwable cause) {
                      failures.add(cause);
                    }
                  }));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    server.start();
  }

  /// The server.
  public HttpServer server() {
    return server;
  }

  /// What went wrong on our side so far.
  public List<Throwable> failures() {
    return failures;
  }

  /// A new connection.
  public RawClient connect() {
    return new RawClient(server.port());
  }

  /// The response to one request on a connection of its own.
  public RawClient.Response request(String bytes) throws IOException {
    try (RawClient client = connect()) {
      return client.send(bytes).receive();
    }
  }

  /// The response to a GET.
  public RawClient.Response get(String target) throws IOException {
    return request("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  /// The response to a request with a body.
  public RawClient.Response send(String method, String target, String body) throws IOException {
    byte[] bytes = body.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    try (RawClient client = connect()) {
      client.send(
          method
              + " "
              + target
              + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
              + bytes.length
              + "\r\n\r\n");
      return client.send(bytes).receive();
    }
  }

  @Override
  public void close() {
    server.close();
  }
}
