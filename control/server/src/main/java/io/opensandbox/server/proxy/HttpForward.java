package io.opensandbox.server.proxy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.server.http.ChunkDecoder;
import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Blocker;
import org.jspecify.annotations.Nullable;

/// One HTTP request on its way to a sandbox, and the response on its way back.
final class HttpForward {
  /// What Jetty's pool keeps at most.
  private static final int FLOWING_BYTES = 64 * 1024;

  /// While a stream trickles: a silent one holds no more than this.
  private static final int TRICKLING_BYTES = 4 * 1024;

  /// How long the sandbox may take to answer before the client is watched; most answer at once, and
  /// watching costs a turn of the selector.
  private static final Duration UNWATCHED = Duration.ofMillis(100);

  /// How long a client that got its response early may go on sending.
  private static final Duration LINGER = Duration.ofSeconds(2);

  private static final Duration REST_FOR_REPEATABLE = Duration.ofSeconds(15);

  /// Requests that must not be sent twice use a connection only while the sandbox is unlikely to
  /// have closed it.
  private static final Duration REST_FOR_OTHERS = Duration.ofSeconds(1);

  private final UpstreamPool pool;
  private final Duration headTimeout;
  private final Request request;
  private final Response response;
  private final PortAddress address;
  private final ByteBuffer head;
  private final Blocker.Shared blocker = new Blocker.Shared();
  private final RequestBody body;
  private volatile boolean clientGone;

  /// Takes the first part of the request's body.
  ///
  /// @param headTimeout how long the sandbox may take to answer once it has the whole request
  HttpForward(
      UpstreamPool pool,
      Duration headTimeout,
      Request request,
      Response response,
      ProxyPath path,
      PortAddress address)
      throws IOException {
    this.pool = pool;
    this.headTimeout = headTimeout;
    this.request = request;
    this.response = response;
    this.address = address;
    this.body = RequestBody.open(request);
    this.head = head(path);
  }

  /// Forwards. When it returns, the response has been written to its end.
  ///
  /// Throws [SandboxException] while the response is untouched, `IOException` when a side failed
  /// later, so that only cutting the client's connection can tell it.
  void run() throws IOException, InterruptedException {
    try {
      boolean repeatable = body.isWhole() && !isOnceOnly(request.getMethod());
      var maxRest = repeatable ? REST_FOR_REPEATABLE : REST_FOR_OTHERS;
      var upstream = connect(maxRest);
      try {
        exchange(upstream);
      } catch (DeadConnectionException dead) {
        if (!repeatable) {
          throw unanswered(dead);
        }
        exchange(connect(Duration.ZERO));
      }
    } catch (DeadConnectionException dead) {
      throw unanswered(dead);
    } finally {
      body.close();
    }
  }

  /// A request that may have an effect each time it is sent.
  private static boolean isOnceOnly(String method) {
    return method.equals("POST") || method.equals("PATCH");
  }

  private ByteBuffer head(ProxyPath path) {
    var target = path.target(address, request.getHttpURI().getQuery());
    var block = new HeaderBlock(request.getMethod(), target, address.authority());
    var headers = request.getHeaders();
    HeaderRules.copyRequest(headers, address.headers(), block);
    var host = headers.get(HttpHeader.HOST);
    HeaderRules.addForwarded(
        headers,
        request.getHttpURI().getScheme(),
        host == null ? "" : host,
        Request.getRemoteAddr(request),
        block);
    body.announce(block);
    return block.end();
  }

  private Upstream connect(Duration maxRest) {
    try {
      return pool.acquire(address.authority(), maxRest);
    } catch (IOException fault) {
      throw Upstream.isTimeout(fault)
          ? new SandboxException(
              ErrorCode.BACKEND_TIMEOUT,
              "The backend sandbox did not accept the connection in time",
              fault)
          : new SandboxException(
              ErrorCode.BACKEND_UNREACHABLE,
              "Could not connect to the backend sandbox: nothing accepts connections on this port",
              fault);
    }
  }

  private void exchange(Upstream upstream) throws IOException, InterruptedException {
    boolean reusable = false;
    Thread pump = null;
    try (var watch = new ClientWatch(request, () -> abandon(upstream))) {
      send(upstream);
      if (!body.isComplete()) {
        watch.unlimit();
        pump = Thread.ofVirtual().start(() -> pump(upstream));
      }
      var answer = receiveHead(upstream, watch);
      body.close();
      boolean exact = copyBody(upstream, answer, watch);
      reusable = exact && answer.persistent() && body.isComplete();
    } catch (IOException fault) {
      throw clientGone ? new ClientLeftException(fault) : fault;
    } finally {
      if (reusable) {
        join(pump);
        pool.release(upstream);
      } else {
        upstream.close();
        settle(pump);
      }
    }
  }

  private void send(Upstream upstream) throws IOException {
    try {
      body.sendFirst(upstream, head.duplicate());
    } catch (IOException fault) {
      // A sandbox that answers without reading still gets to answer; a dead connection shows below.
      if (upstream.isUsed()) {
        throw new DeadConnectionException(fault);
      }
    }
  }

  private void pump(Upstream upstream) {
    try {
      body.pump(upstream);
    } catch (RequestBody.ClientGoneException _) {
      abandon(upstream);
    } catch (IOException _) {
      discard(); // the sandbox takes no more: its answer, or the lack of one, decides
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void discard() {
    try {
      body.discard();
    } catch (IOException _) {
      clientGone = true;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void abandon(Upstream upstream) {
    clientGone = true;
    upstream.close();
  }

  private ResponseHead receiveHead(Upstream upstream, ClientWatch watch) throws IOException {
    long deadlineNanos = System.nanoTime() + headTimeout.toNanos();
    var wait = UNWATCHED.compareTo(headTimeout) < 0 ? UNWATCHED : headTimeout;
    while (true) {
      try {
        return upstream.readHead(wait, false);
      } catch (IOException fault) {
        if (!Upstream.isTimeout(fault)) {
          throw headFault(upstream, fault);
        }
      }
      if (body.isComplete()) {
        watch.start();
      } else {
        deadlineNanos = System.nanoTime() + headTimeout.toNanos();
      }
      wait = Duration.ofNanos(deadlineNanos - System.nanoTime());
      if (!wait.isPositive()) {
        throw new SandboxException(
            ErrorCode.BACKEND_TIMEOUT,
            "The backend sandbox did not answer within " + headTimeout.toSeconds() + " s");
      }
      wait = body.isComplete() ? wait : Duration.ofSeconds(1);
    }
  }

  private IOException headFault(Upstream upstream, IOException fault) {
    if (clientGone) {
      return fault;
    }
    if (upstream.isUsed() && !upstream.hasAnswered()) {
      return new DeadConnectionException(fault);
    }
    throw unanswered(fault);
  }

  private static SandboxException unanswered(IOException fault) {
    return new SandboxException(
        ErrorCode.BACKEND_UNREACHABLE,
        "The backend sandbox gave no valid response: " + fault.getMessage(),
        fault);
  }

  /// Copies the body; tells whether it ended exactly where its framing says.
  private boolean copyBody(Upstream upstream, ResponseHead answer, ClientWatch watch)
      throws IOException {
    return switch (answer.framing()) {
      case ResponseHead.Framing.Fixed(long length) -> copyFixed(upstream, answer, length, watch);
      case ResponseHead.Framing.Chunked() -> copyChunked(upstream, answer, watch);
      case ResponseHead.Framing.UntilClose() -> copyUntilClose(upstream, answer, watch);
    };
  }

  private void copyHead(ResponseHead answer) {
    response.setStatus(answer.status());
    HeaderRules.copyResponse(answer.fields(), response.getHeaders());
  }

  /// Without it a client that asked for its connection to be closed would take a body that was cut
  /// for a whole one. Clients of HTTP/1.0 know no chunks.
  private void announceChunks() {
    if (request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_1_1) {
      response.getHeaders().put(HttpHeader.TRANSFER_ENCODING, "chunked");
    }
  }

  private boolean copyFixed(Upstream upstream, ResponseHead answer, long length, ClientWatch watch)
      throws IOException {
    copyHead(answer);
    if (answer.status() != 204 && answer.status() != 304) {
      response.getHeaders().put(HttpHeader.CONTENT_LENGTH, length);
    }
    var leftover = upstream.leftover();
    boolean exact = leftover.remaining() <= length;
    if (!exact) {
      leftover.limit(leftover.position() + (int) length);
    }
    long left = length - leftover.remaining();
    write(left == 0, leftover);
    if (left > 0) {
      relay(watch, new FixedReader(upstream, left));
    }
    return exact;
  }

  private boolean copyChunked(Upstream upstream, ResponseHead answer, ClientWatch watch)
      throws IOException {
    var decoder = new ChunkDecoder();
    var leftover = upstream.leftover();
    try {
      decoder.decode(leftover);
    } catch (ProtocolException fault) {
      throw unanswered(fault);
    }
    copyHead(answer);
    // Nothing in chunks stays that: some clients tell it from "Content-Length: 0".
    if (!decoder.isDone() || !leftover.hasRemaining()) {
      announceChunks();
    }
    write(decoder.isDone(), leftover);
    if (!decoder.isDone()) {
      relay(watch, new ChunkedReader(upstream, decoder));
    }
    return true;
  }

  private boolean copyUntilClose(Upstream upstream, ResponseHead answer, ClientWatch watch)
      throws IOException {
    copyHead(answer);
    announceChunks();
    write(false, upstream.leftover());
    relay(watch, new ClosingReader(upstream));
    return false;
  }

  /// Copies what `reader` gives to the client until it says that this was the last.
  private void relay(ClientWatch watch, Reader reader) throws IOException {
    if (body.isComplete()) {
      watch.start();
    }
    boolean last = false;
    int size = TRICKLING_BYTES;
    while (!last) {
      var pooled = request.getComponents().getByteBufferPool().acquire(size, true);
      try {
        var buffer = pooled.getByteBuffer();
        boolean sameSize = true;
        while (!last && sameSize) {
          buffer.clear();
          last = reader.read(buffer);
          buffer.flip();
          int next = nextSize(size, buffer.remaining());
          sameSize = next == size;
          size = next;
          if (last || buffer.hasRemaining()) {
            write(last, buffer);
          }
        }
      } finally {
        pooled.release();
      }
    }
  }

  /// A large buffer while bytes flow, a small one while they trickle.
  private static int nextSize(int size, int count) {
    if (size == TRICKLING_BYTES) {
      return count > size / 2 ? FLOWING_BYTES : size;
    }
    return count < TRICKLING_BYTES / 2 ? TRICKLING_BYTES : size;
  }

  private void write(boolean last, ByteBuffer bytes) throws IOException {
    try (var callback = blocker.callback()) {
      response.write(last, bytes, callback);
      callback.block();
    }
  }

  private static void join(@Nullable Thread pump) throws InterruptedException {
    if (pump != null) {
      pump.join();
    }
  }

  /// Ends the copying of the request; a client that is still sending may do so for a moment, since
  /// a connection that is closed with unread bytes loses the response.
  private void settle(@Nullable Thread pump) throws InterruptedException {
    if (pump != null) {
      if (!clientGone) {
        pump.join(LINGER);
      }
      body.stop();
      pump.join();
    }
  }

  /// Reads a part of a body; says whether it was the last.
  @FunctionalInterface
  private interface Reader {
    boolean read(ByteBuffer buffer) throws IOException;
  }

  private static final class FixedReader implements Reader {
    private final Upstream upstream;
    private long left;

    FixedReader(Upstream upstream, long left) {
      this.upstream = upstream;
      this.left = left;
    }

    @Override
    public boolean read(ByteBuffer buffer) throws IOException {
      buffer.limit((int) Math.min(buffer.capacity(), left));
      int count = upstream.read(buffer);
      if (count < 0) {
        throw new EOFException("the sandbox ended its response " + left + " bytes early");
      }
      left -= count;
      return left == 0;
    }
  }

  private record ChunkedReader(Upstream upstream, ChunkDecoder decoder) implements Reader {
    @Override
    public boolean read(ByteBuffer buffer) throws IOException {
      if (upstream.read(buffer) < 0) {
        throw new EOFException("the sandbox ended its response in the middle");
      }
      buffer.flip();
      decoder.decode(buffer);
      buffer.position(buffer.limit()).limit(buffer.capacity());
      return decoder.isDone();
    }
  }

  private record ClosingReader(Upstream upstream) implements Reader {
    @Override
    public boolean read(ByteBuffer buffer) throws IOException {
      return upstream.read(buffer) < 0;
    }
  }

  /// A connection that rested was closed by the sandbox before it answered.
  private static final class DeadConnectionException extends IOException {
    private static final long serialVersionUID = 1L;

    DeadConnectionException(IOException cause) {
      super("the connection was closed", cause);
    }
  }

  /// The client went away; nobody is there to be told.
  static final class ClientLeftException extends IOException {
    private static final long serialVersionUID = 1L;

    ClientLeftException(IOException cause) {
      super("the client went away", cause);
    }
  }
}
