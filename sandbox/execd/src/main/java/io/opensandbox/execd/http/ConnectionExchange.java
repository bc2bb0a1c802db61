package io.opensandbox.execd.http;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// The exchange of a request that came over a connection.
final class ConnectionExchange implements Exchange {
  private static final byte[] CONTINUE =
      "HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final Duration DRAIN_TIME = Duration.ofSeconds(5);

  private final Connection connection;
  private final RequestHead head;
  private final HttpLimits limits;
  private final String requestId;
  private final HttpObserver observer;
  private final String path;
  private final BodyInput input;
  private final InputStream body = new Body();
  private @Nullable Query query;
  private boolean continuePending;
  private boolean keepAlive;
  private int status;
  private String route = "unknown";

  /// Guarded by this.
  private @Nullable Boolean outcome;

  private @Nullable ResponseStream stream;
  private boolean complete;
  private boolean upgraded;

  ConnectionExchange(
      Connection connection,
      RequestHead head,
      HttpLimits limits,
      String requestId,
      HttpObserver observer) {
    this.connection = connection;
    this.observer = observer;
    this.head = head;
    this.limits = limits;
    this.requestId = requestId;
    this.path = PercentCoding.decode(head.rawPath(), false);
    this.input = BodyInput.of(connection, head.length());
    this.continuePending = head.expectsContinue() && !input.isExhausted();
    this.keepAlive = head.wantsKeepAlive();
  }

  @Override
  public String method() {
    return head.method();
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public String rawPath() {
    return head.rawPath();
  }

  @Override
  public Query query() {
    Query parsed = query;
    if (parsed == null) {
      parsed = Query.parse(head.rawQuery());
      query = parsed;
    }
    return parsed;
  }

  @Override
  public Headers headers() {
    return head.headers();
  }

  @Override
  public String pathParameter(String name) {
    throw new IllegalArgumentException("the route has no parameter \"" + name + "\"");
  }

  @Override
  public InputStream body() {
    return body;
  }

  @Override
  public byte[] readBody(long limitBytes) throws IOException {
    if (head.length() > limitBytes) {
      throw tooLarge(limitBytes);
    }
    if (head.length() >= 0) {
      return body.readNBytes((int) head.length());
    }
    ByteArrayOutputStream collected = new ByteArrayOutputStream(1024);
    byte[] piece = new byte[4096];
    for (int count = body.read(piece); count >= 0; count = body.read(piece)) {
      collected.write(piece, 0, count);
      if (collected.size() > limitBytes) {
        throw tooLarge(limitBytes);
      }
    }
    return collected.toByteArray();
  }

  private static ExecdException tooLarge(long limitBytes) {
    return new ExecdException(
        ErrorCode.TOO_LARGE, "the request body exceeds " + limitBytes + " bytes");
  }

  @Override
  public void respond(int status, String contentType, byte[] body) throws IOException {
    respond(status, Headers.of("Content-Type", contentType), body);
  }

  @Override
  public void respond(int status, Headers headers, byte[] body) throws IOException {
    byte[] bytes = begin(status, headers, OptionalLong.of(body.length));
    if (body.length == 0 || isHead()) {
      connection.write(bytes, 0, bytes.length);
    } else if (body.length <= 32 * 1024) {
      connection.write(new ByteBuffer[] {ByteBuffer.wrap(bytes), ByteBuffer.wrap(body)});
    } else {
      connection.write(bytes, 0, bytes.length);
      connection.write(body, 0, body.length);
    }
    complete = true;
  }

  @Override
  public void respondEmpty(int status) throws IOException {
    respond(status, new Headers(), new byte[0]);
  }

  @Override
  public OutputStream startStream(int status, Headers headers, OptionalLong length) {
    ResponseStream.Framing framing = framing(length);
    ResponseStream started =
        new ResponseStream(connection, framing, length.orElse(0), begin(status, headers, length));
    stream = started;
    return started;
  }

  private boolean isHead() {
    return head.method().equals("HEAD");
  }

  private ResponseStream.Framing framing(OptionalLong length) {
    if (isHead()) {
      return ResponseStream.Framing.NONE;
    }
    if (length.isPresent()) {
      return ResponseStream.Framing.SIZED;
    }
    if (head.minor() == 1) {
      return ResponseStream.Framing.CHUNKED;
    }
    keepAlive = false;
    return ResponseStream.Framing.UNTIL_CLOSE;
  }

  @Override
  public void respondFile(int status, Headers headers, FileChannel file, long position, long count)
      throws IOException {
    byte[] bytes = begin(status, headers, OptionalLong.of(count));
    connection.write(bytes, 0, bytes.length);
    if (!isHead()) {
      connection.transfer(file, position, count);
    }
    complete = true;
  }

  @Override
  public boolean isWebSocketUpgrade() {
    return WebSocketHandshake.isUpgrade(this);
  }

  @Override
  public WebSocket upgradeWebSocket() throws IOException {
    String accept = WebSocketHandshake.accept(this);
    commit(101);
    keepAlive = false;
    byte[] bytes =
        new ResponseHead(101)
            .field("Upgrade", "websocket")
            .field("Connection", "Upgrade")
            .field("Sec-WebSocket-Accept", accept)
            .field("X-Request-ID", requestId)
            .end();
    connection.write(bytes, 0, bytes.length);
    complete = true;
    upgraded = true;
    return new WebSocket(connection);
  }

  @Override
  public void onClientGone(Runnable action) {
    connection.watch(action);
  }

  @Override
  public RawConnection takeOver() {
    commit(0);
    keepAlive = false;
    complete = true;
    continuePending = false;
    return new RawConnection(connection.channel(), connection.takeBuffered());
  }

  @Override
  public boolean isCommitted() {
    return status != 0 || complete;
  }

  @Override
  public InetSocketAddress remote() {
    return connection.remote();
  }

  @Override
  public String requestId() {
    return requestId;
  }

  @Override
  public Exchange withRawPath(String rawPath) {
    return RoutedExchange.renamed(this, rawPath);
  }

  @Override
  public void matched(String route) {
    this.route = route;
  }

  @Override
  public void remark(String text) {
    observer.remarked(this, text);
  }

  @Override
  public synchronized void ended(boolean success) {
    if (outcome == null) {
      outcome = success;
    }
  }

  @Override
  public synchronized Optional<Boolean> outcome() {
    return Optional.ofNullable(outcome);
  }

  String route() {
    return route;
  }

  int status() {
    return status;
  }

  void closeAfterwards() {
    keepAlive = false;
  }

  /// Ends the exchange after its handler has returned or failed: answers an exchange that nobody
  /// answered, drops what is left of the body. Gives whether the connection can be used again.
  boolean finish() throws IOException {
    if (!isCommitted()) {
      respondEmpty(200);
    }
    ResponseStream started = stream;
    if (started != null) {
      started.close();
      complete = started.isComplete();
    }
    return complete && keepAlive && drain();
  }

  /// Makes further writes to the response fail, after the handler has failed.
  void abandon() {
    keepAlive = false;
    ResponseStream started = stream;
    if (started != null) {
      started.abandon();
    }
  }

  /// Whether the client may still be sending, so that closing at once could cost it the response.
  boolean clientMaySend() {
    return upgraded || hasUnreadBody();
  }

  private boolean hasUnreadBody() {
    return !input.isExhausted() && !continuePending;
  }

  private boolean drain() throws IOException {
    if (input.isExhausted()) {
      return true;
    }
    if (continuePending || head.length() > limits.drainBytes()) {
      return false;
    }
    byte[] ignored = new byte[8192];
    connection.limitReading(DRAIN_TIME);
    int total = 0;
    while (total <= limits.drainBytes()) {
      int count = input.read(ignored, 0, ignored.length);
      if (count < 0) {
        return true;
      }
      total += count;
    }
    return false;
  }

  private void commit(int newStatus) {
    if (isCommitted()) {
      throw new IllegalStateException("the response has been started already");
    }
    status = newStatus;
  }

  private byte[] begin(int newStatus, Headers headers, OptionalLong length) {
    commit(newStatus);
    if (newStatus >= 400 && hasUnreadBody() && head.length() > limits.drainBytes()) {
      keepAlive = false;
    }
    ResponseHead out = new ResponseHead(newStatus);
    headers.forEach(out::field);
    if (length.isPresent() && newStatus != 204 && newStatus != 304) {
      out.field("Content-Length", Long.toString(length.getAsLong()));
    } else if (length.isEmpty() && head.minor() == 1) {
      out.field("Transfer-Encoding", "chunked");
    } else if (length.isEmpty()) {
      keepAlive = false;
    }
    if (!headers.has("X-Request-ID")) {
      out.field("X-Request-ID", requestId);
    }
    if (!keepAlive) {
      out.field("Connection", "close");
    } else if (head.minor() == 0 && !headers.has("Connection")) {
      out.field("Connection", "keep-alive");
    }
    return out.end();
  }

  /// The body as handlers see it: asks the client to go on first, and bounds each wait.
  private final class Body extends InputStream {
    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (input.isExhausted()) {
        return length == 0 ? 0 : -1;
      }
      if (continuePending) {
        continuePending = false;
        connection.write(CONTINUE, 0, CONTINUE.length);
      }
      connection.limitReading(limits.bodyStall());
      int count = input.read(into, offset, length);
      connection.limitReading(null);
      return count;
    }
  }
}
