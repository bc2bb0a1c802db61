package io.opensandbox.server.proxy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.server.tracing.Tracing;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.VirtualThreads;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/// The proxy on a plain Jetty server, with addresses given by the test.
final class ProxyFixture implements ProxyTargets, AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Duration idleTimeout;
  private final Server server;
  private final ServerConnector connector;
  private final Map<String, PortAddress> addresses = new ConcurrentHashMap<>();

  /// Ids of sandboxes in the order they were accessed.
  final List<String> accessed = new CopyOnWriteArrayList<>();

  ProxyFixture() throws Exception {
    this(PATIENCE, PATIENCE);
  }

  /// @param idleTimeout of a client's connection from the moment that its request is there
  ProxyFixture(Duration headTimeout, Duration idleTimeout) throws Exception {
    this.idleTimeout = idleTimeout;
    var threads = new QueuedThreadPool(16, 4);
    threads.setVirtualThreadsExecutor(VirtualThreads.getDefaultVirtualThreadsExecutor());
    server = new Server(threads);
    var configuration = new HttpConfiguration();
    configuration.setUriCompliance(UriCompliance.UNSAFE);
    configuration.setSendServerVersion(false);
    var http = new HttpConnectionFactory(configuration);
    http.setInputBufferSize(64 * 1024);
    connector = new ServerConnector(server, 1, 1, http);
    connector.setHost("127.0.0.1");
    connector.setIdleTimeout(PATIENCE.toMillis());
    server.addConnector(connector);
    server.setHandler(new ProxyHandler(new NotOurs(), this, headTimeout, Tracing.OFF));
    server.start();
  }

  /// Sends what goes to `sb`, any port, to an upstream.
  ProxyFixture to(RawUpstream upstream) {
    return to(upstream.authority(), "", Map.of());
  }

  ProxyFixture to(String authority, String path, Map<String, String> headers) {
    addresses.put("sb", new PortAddress(authority, path, headers));
    return this;
  }

  @Override
  public PortAddress resolve(String sandboxId, int port) {
    // Not earlier: a client that is slow to ask would lose its connection.
    connector.getConnectedEndPoints().forEach(one -> one.setIdleTimeout(idleTimeout.toMillis()));
    var address = addresses.get(sandboxId);
    if (address == null) {
      throw new SandboxException(
          ErrorCode.SANDBOX_NOT_FOUND, "sandbox \"" + sandboxId + "\" not found");
    }
    return address;
  }

  @Override
  public void accessed(String sandboxId) {
    accessed.add(sandboxId);
  }

  /// Holds a port on which nobody listens.
  static Socket deadPort() throws IOException {
    var socket = new Socket();
    socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    return socket;
  }

  int port() {
    return connector.getLocalPort();
  }

  /// Open client connections.
  int connections() {
    return connector.getConnectedEndPoints().size();
  }

  Socket connect() throws IOException {
    var socket = new Socket(InetAddress.getLoopbackAddress(), port());
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(60_000);
    return socket;
  }

  /// Sends bytes on a connection of their own and reads one response.
  RawHttp.Answer exchange(String request) throws IOException {
    try (var socket = connect()) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      return RawHttp.readAnswer(socket.getInputStream());
    }
  }

  RawHttp.Answer get(String path, String... headers) throws IOException {
    return exchange("GET " + path + " HTTP/1.1\r\nHost: h\r\n" + lines(headers) + "\r\n");
  }

  static String lines(String... headers) {
    var text = new StringBuilder();
    for (var header : headers) {
      text.append(header).append("\r\n");
    }
    return text.toString();
  }

  @Override
  public void close() {
    try {
      server.stop();
    } catch (Exception fault) {
      throw new IllegalStateException("the server did not stop", fault);
    }
  }

  /// Stands for the routes behind the proxy.
  private static final class NotOurs extends Handler.Abstract {
    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      response.setStatus(418);
      callback.succeeded();
      return true;
    }
  }
}
