package io.opensandbox.server.proxy;

import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.PortAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Base64;
import java.util.function.Supplier;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.server.HttpStream;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/// One WebSocket handshake on its way to a sandbox.
///
/// The sandbox sees the client's own key, version, subprotocols and extensions, and the client sees
/// the sandbox's choice among them. A sandbox that cannot be reached or refuses is reported as the
/// contract wants it: the handshake is accepted and the socket closed with a code.
final class WebSocketForward {
  private static final Duration HANDSHAKE_TIMEOUT = Duration.ofSeconds(10);
  private static final int POLICY_VIOLATION = 1008;
  private static final int INTERNAL_ERROR = 1011;

  private final Request request;
  private final Response response;
  private final Callback callback;

  WebSocketForward(Request request, Response response, Callback callback) {
    this.request = request;
    this.response = response;
    this.callback = callback;
  }

  /// Whether a request asks for a WebSocket in the way of RFC 6455.
  static boolean isHandshake(Request request) {
    var headers = request.getHeaders();
    return request.getMethod().equals("GET")
        && asksForWebSocket(headers)
        && headers.contains(HttpHeader.CONNECTION, "upgrade");
  }

  /// Whether `Upgrade` names `websocket`, in any case.
  static boolean asksForWebSocket(HttpFields headers) {
    return headers.contains(HttpHeader.UPGRADE, "websocket");
  }

  /// Opens the tunnel, or accepts and closes. Completes the callback.
  ///
  /// @param resolve finds the address; its [SandboxException] becomes close code 1011
  void run(ProxyPath path, Supplier<PortAddress> resolve) {
    try {
      var address = resolve.get();
      var upstream = Upstream.connect(address.authority(), HANDSHAKE_TIMEOUT);
      try {
        handshake(upstream, path, address);
      } catch (IOException | RuntimeException fault) {
        upstream.close();
        throw fault;
      }
    } catch (SandboxException fault) {
      acceptAndClose(INTERNAL_ERROR, describe(fault));
    } catch (IOException _) {
      acceptAndClose(INTERNAL_ERROR, "");
    }
  }

  private void handshake(Upstream upstream, ProxyPath path, PortAddress address)
      throws IOException {
    var target = path.target(address, request.getHttpURI().getQuery());
    var block = new HeaderBlock("GET", target, address.authority());
    HeaderRules.copyRequest(request.getHeaders(), address.headers(), block);
    block.add("Connection", "Upgrade").add("Upgrade", "websocket");
    upstream.write(block.end());
    var answer = upstream.readHead(HANDSHAKE_TIMEOUT, true);
    if (answer.status() != 101) {
      upstream.close();
      acceptAndClose(POLICY_VIOLATION, "");
      return;
    }
    HeaderRules.copyResponse(answer.fields(), response.getHeaders());
    var endPoint = request.getConnectionMetaData().getConnection().getEndPoint();
    switchTo(
        new Tunnel(
            endPoint,
            request.getComponents().getExecutor(),
            request.getComponents().getScheduler(),
            request.getComponents().getByteBufferPool(),
            upstream));
  }

  private void acceptAndClose(int code, String reason) {
    var key = request.getHeaders().get("Sec-WebSocket-Key");
    response.getHeaders().put("Sec-WebSocket-Accept", accept(key == null ? "" : key.strip()));
    var endPoint = request.getConnectionMetaData().getConnection().getEndPoint();
    switchTo(new ClosingSocket(endPoint, request.getComponents().getExecutor(), code, reason));
  }

  private void switchTo(Connection connection) {
    response.setStatus(101);
    response.getHeaders().put(HttpHeader.CONNECTION, "Upgrade");
    response.getHeaders().put(HttpHeader.UPGRADE, "websocket");
    connection.getEndPoint().setIdleTimeout(0);
    request.setAttribute(HttpStream.UPGRADE_CONNECTION_ATTRIBUTE, connection);
    callback.succeeded();
  }

  /// As the reference writes its error object, which some clients show to people.
  private static String describe(SandboxException fault) {
    return fault.code().status()
        + ": {'code': '"
        + fault.code().wire()
        + "', 'message': '"
        + fault.getMessage()
        + "'}";
  }

  private static String accept(String key) {
    try {
      var digest = MessageDigest.getInstance("SHA-1");
      var input = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
      return Base64.getEncoder()
          .encodeToString(digest.digest(input.getBytes(StandardCharsets.ISO_8859_1)));
    } catch (NoSuchAlgorithmException fault) {
      throw new IllegalStateException("every JDK has SHA-1", fault);
    }
  }
}
