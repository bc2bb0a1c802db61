package io.opensandbox.server.proxy;

import io.avaje.jsonb.Jsonb;
import io.opensandbox.protocol.ErrorBody;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.server.http.RequestScope;
import io.opensandbox.server.tracing.Span;
import io.opensandbox.server.tracing.Tracing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Set;
import java.util.UUID;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Serves the proxy's paths and every WebSocket handshake; other requests go to the handler that it
/// wraps. See the package.
///
/// The connector must let paths through as they are (`UriCompliance.UNSAFE`), or `%2F` is refused
/// before it gets here.
public final class ProxyHandler extends Handler.Wrapper {
  private static final Logger LOG = LoggerFactory.getLogger(ProxyHandler.class);
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
  private static final Set<String> METHODS = Set.of("GET", "POST", "PUT", "DELETE", "PATCH");

  private static final String ROUTE = "/sandboxes/{id}/proxy/{port}";

  private final ProxyTargets targets;
  private final Duration headTimeout;
  private final Tracing tracing;
  private final UpstreamPool pool = new UpstreamPool(CONNECT_TIMEOUT);

  /// @param next serves what is not the proxy's
  /// @param targets finds addresses
  /// @param headTimeout how long a sandbox may take to answer once it has the whole request; 504
  ///   after that
  /// @param tracing of the requests that are forwarded
  public ProxyHandler(Handler next, ProxyTargets targets, Duration headTimeout, Tracing tracing) {
    super(next);
    this.tracing = tracing;
    this.targets = targets;
    this.headTimeout = headTimeout;
  }

  /// Whether a request asks for a WebSocket. The proxy answers every such request, whatever its
  /// path.
  public static boolean isWebSocketHandshake(Request request) {
    return WebSocketForward.isHandshake(request);
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    var path = ProxyPath.parse(request.getHttpURI().getPath());
    boolean handshake = isWebSocketHandshake(request);
    if (path.isEmpty() && !handshake) {
      return super.handle(request, response, callback);
    }
    Runnable task =
        () -> {
          if (path.isEmpty()) {
            refuse(response, callback);
            return;
          }
          RequestScope.describe(request, ROUTE, path.get().sandboxId());
          try (var _ = RequestScope.span(request).enter()) {
            if (handshake) {
              webSocket(path.get(), request, response, callback);
            } else {
              http(path.get(), request, response, callback);
            }
          }
        };
    if (Thread.currentThread().isVirtual()) {
      task.run();
    } else {
      Thread.ofVirtual().name("proxy").start(task);
    }
    return true;
  }

  @Override
  protected void doStop() throws Exception {
    pool.close();
    super.doStop();
  }

  private void http(ProxyPath path, Request request, Response response, Callback callback) {
    if (!response.getHeaders().contains("X-Request-ID")) {
      response.getHeaders().put("X-Request-ID", requestId(request));
    }
    try {
      if (!METHODS.contains(request.getMethod())) {
        response.getHeaders().put(HttpHeader.ALLOW, "DELETE, GET, PATCH, POST, PUT");
        throw new SandboxException(
            ErrorCode.METHOD_NOT_ALLOWED,
            "method \"" + request.getMethod() + "\" is not allowed for the proxy");
      }
      var address = resolve(path);
      if (WebSocketForward.asksForWebSocket(request.getHeaders())) {
        throw new SandboxException(
            ErrorCode.BAD_REQUEST,
            "Websocket upgrade is not supported yet on a request that is not a handshake");
      }
      forward(path, request, response, address);
      callback.succeeded();
    } catch (SandboxException fault) {
      write(response, callback, fault);
    } catch (IOException fault) {
      LOG.debug("proxy to sandbox {} was cut", path.sandboxId(), fault);
      cut(response, callback, fault);
    } catch (InterruptedException fault) {
      Thread.currentThread().interrupt();
      callback.failed(fault);
    } catch (RuntimeException fault) {
      LOG.error("proxy to sandbox {} failed", path.sandboxId(), fault);
      internal(response, callback, fault);
    }
  }

  private void forward(ProxyPath path, Request request, Response response, PortAddress address)
      throws IOException, InterruptedException {
    try (Span sent = tracing.remotePart("forward " + request.getMethod())) {
      sent.set("server.address", address.authority());
      try {
        var target = joined(address, sent);
        new HttpForward(pool, headTimeout, request, response, path, target).run();
        sent.set("http.response.status_code", response.getStatus());
      } catch (SandboxException fault) {
        sent.failed(fault.code().wire());
        throw fault;
      }
    }
  }

  /// The address with what the sandbox needs to know to join the trace.
  private static PortAddress joined(PortAddress address, Span sent) {
    if (sent.headers().isEmpty()) {
      return address;
    }
    var headers = new HashMap<>(address.headers());
    headers.putAll(sent.headers());
    return new PortAddress(address.authority(), address.path(), headers);
  }

  private void webSocket(ProxyPath path, Request request, Response response, Callback callback) {
    var headers = request.getHeaders();
    if (!isDigits(path.port())) {
      refuse(response, callback);
    } else if (!"13".equals(headers.get("Sec-WebSocket-Version"))) {
      response.getHeaders().put("Sec-WebSocket-Version", "13");
      var code = ErrorCode.BAD_REQUEST;
      write(response, callback, 426, code, "the WebSocket version must be 13");
    } else if (headers.get("Sec-WebSocket-Key") == null) {
      var code = ErrorCode.BAD_REQUEST;
      write(response, callback, 400, code, "Sec-WebSocket-Key is missing");
    } else {
      try (Span sent = tracing.remotePart("open WebSocket")) {
        new WebSocketForward(request, response, callback)
            .run(path, () -> joined(resolve(path), sent));
      } catch (RuntimeException fault) {
        LOG.error("WebSocket to sandbox {} failed", path.sandboxId(), fault);
        internal(response, callback, fault);
      }
    }
  }

  private PortAddress resolve(ProxyPath path) {
    targets.accessed(path.sandboxId());
    int port = port(path.port());
    return targets.resolve(path.sandboxId(), port);
  }

  private static int port(String text) {
    var trimmed = text.strip();
    boolean number = trimmed.matches("[+-]?[0-9]+");
    long value = number && trimmed.length() <= 18 ? Long.parseLong(trimmed) : -1;
    if (value < 1 || value > 65535) {
      throw new SandboxException(
          ErrorCode.INVALID_PORT, "port \"" + text + "\" must be a number between 1 and 65535");
    }
    return (int) value;
  }

  private static boolean isDigits(String text) {
    return text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private static void refuse(Response response, Callback callback) {
    write(
        response,
        callback,
        ErrorCode.FORBIDDEN.status(),
        ErrorCode.FORBIDDEN,
        "there is no WebSocket at this path");
  }

  private static void cut(Response response, Callback callback, IOException fault) {
    if (response.isCommitted()) {
      callback.failed(fault);
    } else {
      var code = ErrorCode.BAD_REQUEST;
      write(response, callback, 400, code, "the request body ended early or is malformed");
    }
  }

  private static void internal(Response response, Callback callback, RuntimeException fault) {
    if (response.isCommitted()) {
      callback.failed(fault);
    } else {
      var code = ErrorCode.INTERNAL_ERROR;
      write(response, callback, 500, code, "An internal error occurred in the proxy");
    }
  }

  private static void write(Response response, Callback callback, SandboxException fault) {
    write(
        response,
        callback,
        fault.code().status(),
        fault.code(),
        String.valueOf(fault.getMessage()));
  }

  private static void write(
      Response response, Callback callback, int status, ErrorCode code, String message) {
    response.setStatus(status);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
    var json =
        Jsonb.instance().type(ErrorBody.class).toJsonBytes(new ErrorBody(code.wire(), message));
    response.getHeaders().put(HttpHeader.CONTENT_LENGTH, json.length);
    response.write(true, ByteBuffer.wrap(json), callback);
  }

  private static String requestId(Request request) {
    var sent = request.getHeaders().get("X-Request-ID");
    return sent == null || sent.isBlank()
        ? UUID.randomUUID().toString().replace("-", "")
        : sent.strip();
  }
}
