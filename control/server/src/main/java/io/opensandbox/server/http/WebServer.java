package io.opensandbox.server.http;

import io.javalin.Javalin;
import io.javalin.http.Context;
import io.javalin.http.servlet.JavalinServlet;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.http.HttpHeader;
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
import org.jspecify.annotations.Nullable;

/// The HTTP listener: Jetty with virtual threads, the given handlers in front, the routes behind.
public final class WebServer implements AutoCloseable {
  private static final int MAX_PLATFORM_THREADS = 16;
  // Large enough for uploads to flow; held only while a request is being read.
  private static final int INPUT_BUFFER_BYTES = 64 * 1024;
  private static final int MAX_HEADER_BYTES = 32 * 1024;

  private final Server server;
  private final ServerConnector connector;
  private final Envelopes envelopes;
  private final RouteTable routes;
  private final int maxBodyBytes;

  /// Where and how to listen.
  ///
  /// @param port 0 picks a free one
  /// @param stopTimeout how long requests under way may finish when the server stops
  public record Listen(
      String host,
      int port,
      int backlog,
      Duration keepAlive,
      int maxBodyBytes,
      Duration stopTimeout) {}

  /// @param inFront makes the chain of handlers around the routes' handler
  public WebServer(
      Listen listen, RouteTable routes, Envelopes envelopes, UnaryOperator<Handler> inFront) {
    this.envelopes = envelopes;
    this.routes = routes;
    this.maxBodyBytes = listen.maxBodyBytes();
    this.server = new Server(threads());
    this.connector = connector(listen);
    server.addConnector(connector);
    server.setErrorHandler(this::answerRefused);
    server.setHandler(inFront.apply(servlets()));
    server.setStopTimeout(listen.stopTimeout().toMillis());
  }

  /// Starts listening.
  public void start() throws Exception {
    server.start();
  }

  /// The port it listens on.
  public int port() {
    return connector.getLocalPort();
  }

  /// Refuses new requests, lets those under way finish for the configured time, and stops.
  @Override
  public void close() {
    try {
      server.stop();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      throw new IllegalStateException("the web server did not stop cleanly", e);
    }
  }

  private static QueuedThreadPool threads() {
    var pool = new QueuedThreadPool(MAX_PLATFORM_THREADS, 4);
    pool.setName("http");
    pool.setVirtualThreadsExecutor(VirtualThreads.getNamedVirtualThreadsExecutor("request-"));
    return pool;
  }

  private ServerConnector connector(Listen listen) {
    var configuration = new HttpConfiguration();
    configuration.setSendServerVersion(false);
    configuration.setSendDateHeader(true);
    configuration.setRequestHeaderSize(MAX_HEADER_BYTES);
    configuration.setResponseHeaderSize(MAX_HEADER_BYTES);
    // The proxy hands raw paths on, `%2F` and all; the routes see ids that simply do not exist.
    configuration.setUriCompliance(UriCompliance.UNSAFE);
    var http = new HttpConnectionFactory(configuration);
    http.setInputBufferSize(INPUT_BUFFER_BYTES);
    var made = new ServerConnector(server, 1, 1, http);
    made.setHost(listen.host());
    made.setPort(listen.port());
    made.setAcceptQueueSize(listen.backlog());
    made.setIdleTimeout(listen.keepAlive().toMillis());
    made.setReuseAddress(true);
    // Idle connections need no farewell; requests under way have the stop timeout.
    made.setShutdownIdleTimeout(20);
    return made;
  }

  private ServletContextHandler servlets() {
    Javalin javalin =
        Javalin.create(config -> {
          config.startup.showJavalinBanner = false;
          config.startup.showOldJavalinVersionWarning = false;
          config.startup.startupWatcherEnabled = false;
          config.http.compressionStrategy = io.javalin.compression.CompressionStrategy.NONE;
          config.http.defaultContentType = "application/json";
          for (RouteTable.Entry entry : routes.entries()) {
            config.routes.addHttpHandler(
                io.javalin.http.HandlerType.findOrCreate(entry.method()),
                entry.path(),
                context -> serve(entry, context));
          }
          config.routes.before(this::guard);
          config.routes.exception(Exception.class, this::answerFault);
        });
    var handler = new ServletContextHandler("/");
    handler.getServletHandler().setDecodeAmbiguousURIs(true);
    handler.addServlet(new ServletHolder(new JavalinServlet(javalin.unsafe)), "/*");
    return handler;
  }

  private void serve(RouteTable.Entry entry, Context context) throws Exception {
    Request request = ServletContextRequest.getServletContextRequest(context.req());
    boolean ofSandbox = entry.path().contains("/sandboxes/{id}");
    RequestScope.describe(request, entry.path(), ofSandbox ? context.pathParam("id") : "");
    try (var _ = RequestScope.span(request).enter()) {
      entry.route().handle(new Exchange(context, maxBodyBytes));
    }
  }

  private void answerFault(Exception fault, Context context) {
    context.res().resetBuffer();
    Envelopes.Answer answer = envelopes.answer(fault);
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    context.status(answer.status()).contentType("application/json").result(body);
    context.res().setContentLength(body.length);
  }

  /// Answers what Jetty itself refuses, such as a malformed request line.
  private boolean answerRefused(Request request, Response response, Callback callback) {
    int status = response.getStatus();
    response.getHeaders().put("X-Request-ID", RequestScope.idOrFresh(request));
    Cors.decorate(request, response.getHeaders());
    @Nullable Object cause = request.getAttribute("org.eclipse.jetty.server.error_message");
    String message = cause == null ? "the request was refused" : String.valueOf(cause);
    if (message.equals("Invalid h2c upgrade headers")) { // what Jetty makes of any bare `Upgrade`
      message = "Websocket upgrade is not supported yet without \"Connection: Upgrade\"";
    }
    ErrorCode code =
        switch (status) {
          case 404 -> ErrorCode.ROUTE_NOT_FOUND;
          case 405 -> ErrorCode.METHOD_NOT_ALLOWED;
          case 413 -> ErrorCode.PAYLOAD_TOO_LARGE;
          default -> status >= 500 ? ErrorCode.INTERNAL_ERROR : ErrorCode.BAD_REQUEST;
        };
    Envelopes.Answer answer = envelopes.answer(code, message);
    envelopes.write(response, callback, new Envelopes.Answer(status, answer.body()));
    return true;
  }

  // Runs before every route and decides what Javalin would decide in its own way: unknown paths,
  // wrong methods (HEAD among them) and trailing slashes.
  private void guard(Context context) {
    String path = context.path();
    Set<String> methods = routes.methods(path);
    if (methods.contains(context.req().getMethod())) {
      return;
    }
    if (!methods.isEmpty()) {
      context.res().setHeader(HttpHeader.ALLOW.asString(), String.join(", ", methods));
      throw new SandboxException(
          ErrorCode.METHOD_NOT_ALLOWED, "this path allows " + String.join(", ", methods) + " only");
    }
    String shorter = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    if (!shorter.equals(path) && !routes.methods(shorter).isEmpty()) {
      redirect(context, shorter);
      return;
    }
    throw new SandboxException(ErrorCode.ROUTE_NOT_FOUND, "there is nothing at this path");
  }

  private static void redirect(Context context, String path) {
    String query = context.req().getQueryString();
    String host = context.req().getHeader("Host");
    context.status(307);
    context.res().setContentType(null);
    context.res().setContentLength(0);
    context
        .res()
        .setHeader(
            "Location",
            context.req().getScheme() + "://" + host + path + (query == null ? "" : "?" + query));
    context.skipRemainingHandlers();
  }
}
