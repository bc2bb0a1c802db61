package io.opensandbox.execd.proxy;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.RawConnection;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.UpstreamCall;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntSupplier;

/// `/proxy/{port}/…`: forwards a request to a port of the sandbox and its response back.
public final class PortProxy implements Handler {
  private static final String PREFIX = "/proxy/";
  private static final int BUFFER_BYTES = 32 * 1024;

  private final Handler root;
  private final IntSupplier ownPort;
  private final List<InetAddress> loopbacks;
  private final Duration connectTime;

  /// A proxy beside the routes of `root`.
  ///
  /// @param ownPort execd's port, asked for when the first request comes
  /// @param loopbacks addresses to try in turn while the connection is refused
  public PortProxy(
      Handler root, IntSupplier ownPort, List<InetAddress> loopbacks, Duration connectTime) {
    this.root = root;
    this.ownPort = ownPort;
    this.loopbacks = List.copyOf(loopbacks);
    this.connectTime = connectTime;
  }

  /// Adds the route, for every method.
  public void register(Router router) {
    router.add("*", "/proxy/*", this);
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    String rawPath = exchange.rawPath();
    if (!rawPath.startsWith(PREFIX)) {
      respondText(exchange, 404, "404 page not found");
      return;
    }
    int own = ownPort.getAsInt();
    String rest = rawPath;
    // A path may name execd itself several times over; each hop means the same.
    do {
      Target target = Target.parse(rest);
      if (target.port.isEmpty()) {
        respondText(exchange, 400, "port is required");
        return;
      }
      if (target.number() != own) {
        forward(exchange, target);
        return;
      }
      rest = target.rawPath;
    } while (rest.startsWith(PREFIX));
    root.handle(exchange.withRawPath(rest));
  }

  private static void respondText(Exchange exchange, int status, String text) throws IOException {
    exchange.respond(status, "text/plain; charset=utf-8", text.getBytes(StandardCharsets.US_ASCII));
  }

  /// Where a path leads.
  ///
  /// @param port as written
  /// @param rawPath what remains, begins with `/`
  private record Target(String port, String rawPath) {
    static Target parse(String path) {
      int slash = path.indexOf('/', PREFIX.length());
      return slash < 0
          ? new Target(path.substring(PREFIX.length()), "/")
          : new Target(path.substring(PREFIX.length(), slash), path.substring(slash));
    }

    int number() {
      int number = 0;
      for (int i = 0; i < port.length() && number <= 65535; i++) {
        int digit = port.charAt(i) - '0';
        number = digit < 0 || digit > 9 ? 65536 : number * 10 + digit;
      }
      if (number < 1 || number > 65535) {
        throw new ExecdException(
            ErrorCode.BAD_GATEWAY,
            "Bad Gateway: the port must be a number from 1 to 65535, not \"" + port + "\"");
      }
      return number;
    }
  }

  private void forward(Exchange exchange, Target target) throws IOException {
    try (UpstreamCall call = connect(target.number())) {
      boolean upgrade = exchange.headers().hasToken("Connection", "Upgrade");
      Optional<Thread> upload = sendRequest(exchange, target, call, upgrade);
      UpstreamCall.Response response = receive(exchange, target, call);
      if (response.status() == 101) {
        tunnel(exchange, call, response);
        return;
      }
      relay(exchange, response);
      if (upload.isPresent()) {
        upload.get().join();
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private UpstreamCall connect(int port) {
    List<IOException> failures = new ArrayList<>();
    for (InetAddress loopback : loopbacks) {
      try {
        return UpstreamCall.connect(new InetSocketAddress(loopback, port), connectTime);
      } catch (IOException e) {
        failures.add(e);
      }
    }
    // The first address counts; this process may be unable to use the others at all.
    throw badGateway(port, failures.getFirst());
  }

  private static ExecdException badGateway(int port, IOException cause) {
    return new ExecdException(
        ErrorCode.BAD_GATEWAY,
        "Bad Gateway: cannot get an answer from port "
            + port
            + " of the sandbox: "
            + cause.getMessage(),
        cause);
  }

  /// Sends the head at once and the body, if there is one, on a thread of its own, since a target
  /// may answer before it has read everything. Gives that thread.
  private static Optional<Thread> sendRequest(
      Exchange exchange, Target target, UpstreamCall call, boolean upgrade) throws IOException {
    String query = exchange.query().raw();
    String path = target.rawPath + (query.isEmpty() ? "" : "?" + query);
    Headers headers =
        ForwardedHeaders.ofRequest(
            exchange.headers(), exchange.remote().getAddress().getHostAddress(), upgrade);
    OptionalLong length = bodyLength(exchange.headers());
    OutputStream body;
    try {
      body = call.send(exchange.method(), path, headers, length);
      body.flush();
    } catch (IOException e) {
      throw badGateway(target.number(), e);
    }
    if (length.isPresent() && length.getAsLong() == 0) {
      body.close();
      if (!upgrade) {
        exchange.onClientGone(call::close);
      }
      return Optional.empty();
    }
    return Optional.of(
        Thread.ofVirtual().name("proxy-upload").start(() -> upload(exchange, body, call)));
  }

  private static OptionalLong bodyLength(Headers headers) {
    if (headers.has("Transfer-Encoding")) {
      return OptionalLong.empty();
    }
    return OptionalLong.of(headers.first("Content-Length").map(Long::parseLong).orElse(0L));
  }

  /// Copies the request's body. When the target stops reading, the rest is taken from the client
  /// and dropped, so that the client gets to read the answer.
  private static void upload(Exchange exchange, OutputStream target, UpstreamCall call) {
    byte[] buffer = new byte[BUFFER_BYTES];
    boolean targetReads = true;
    try {
      InputStream body = exchange.body();
      for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
        targetReads = targetReads && write(target, buffer, count);
      }
      if (targetReads) {
        target.close();
      }
      exchange.onClientGone(call::close);
    } catch (IOException _) {
      call.close(); // the client went away, and the target must not wait for the rest
    }
  }

  private static boolean write(OutputStream target, byte[] bytes, int count) {
    try {
      target.write(bytes, 0, count);
      target.flush();
      return true;
    } catch (IOException _) {
      return false; // the target has answered and closed
    }
  }

  private static UpstreamCall.Response receive(
      Exchange exchange, Target target, UpstreamCall call) {
    try {
      return call.receive(exchange.method());
    } catch (IOException e) {
      throw badGateway(target.number(), e);
    }
  }

  /// Passes a response on as it comes; every piece that arrives is sent at once.
  private static void relay(Exchange exchange, UpstreamCall.Response response) throws IOException {
    Headers headers = ForwardedHeaders.ofResponse(response.headers());
    OutputStream out = exchange.startStream(response.status(), headers, lengthOf(response));
    InputStream body = response.body();
    byte[] buffer = new byte[BUFFER_BYTES];
    for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
      out.write(buffer, 0, count);
      out.flush();
    }
    out.close();
  }

  private static OptionalLong lengthOf(UpstreamCall.Response response) {
    boolean never = response.status() == 204 || response.status() == 304;
    return never ? OptionalLong.of(0) : response.length();
  }

  private static void tunnel(Exchange exchange, UpstreamCall call, UpstreamCall.Response response)
      throws IOException {
    RawConnection client = exchange.takeOver();
    StringBuilder head = new StringBuilder("HTTP/1.1 101 Switching Protocols\r\n");
    response
        .headers()
        .forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    ByteBuffer bytes =
        ByteBuffer.wrap(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    while (bytes.hasRemaining()) {
      client.channel().write(bytes);
    }
    new Tunnel(client, call.takeOver()).run();
  }
}
