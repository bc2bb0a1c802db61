package io.opensandbox.execd.http;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.Pipe;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Serves HTTP/1.1 on a listener that somebody else has bound: the launcher, or a test on port 0.
///
/// Each connection has its own virtual thread. One more thread cuts connections that are over one
/// of their time limits; it sleeps as long as there are no connections.
public final class HttpServer implements AutoCloseable {
  private static final Duration REAPER_PERIOD = Duration.ofSeconds(1);
  private static final Duration LINGER_TIME = Duration.ofSeconds(2);
  private static final long LINGER_BYTES = 64L << 20;
  private static final Duration CLOSE_GRACE = Duration.ofSeconds(1);
  private static final Duration ACCEPT_RETRY = Duration.ofMillis(100);

  private final ServerSocketChannel listener;
  private final Handler root;
  private final HttpLimits limits;
  private final HttpObserver observer;
  private final RequestIds requestIds = new RequestIds(ThreadLocalRandom.current());
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final AtomicInteger activeRequests = new AtomicInteger();

  /// Held while a connection is taken from the listener.
  private final ReentrantLock accepting = new ReentrantLock();

  private final ReentrantLock lock = new ReentrantLock();

  /// Signalled when a connection has come or gone, and when the server closes.
  private final Condition changed = lock.newCondition();

  private volatile boolean closing;
  private volatile @Nullable Selector selector;
  private volatile Pipe.@Nullable SinkChannel neverWritten;
  private volatile long lastActivity = System.nanoTime();

  /// A server without an observer.
  public HttpServer(ServerSocketChannel listener, Handler root, HttpLimits limits) {
    this(listener, root, limits, HttpObserver.NONE);
  }

  /// A server that is not running yet.
  ///
  /// @param listener bound; closed with the server
  public HttpServer(
      ServerSocketChannel listener, Handler root, HttpLimits limits, HttpObserver observer) {
    this.listener = listener;
    this.root = root;
    this.limits = limits;
    this.observer = observer;
  }

  /// Begins to accept. Returns at once.
  public void start() {
    preparePolling();
    // Waiting in a selector would pin a carrier, so this thread is no virtual one.
    Thread.ofPlatform().daemon().name("http-accept").start(this::acceptLoop);
    Thread.ofVirtual().name("http-reaper").start(this::reapLoop);
  }

  /// The JDK makes what virtual threads wait for sockets with when the first one has to, and never
  /// again when that fails. So one waits from now on, while there are descriptors.
  private void preparePolling() {
    try {
      Pipe pipe = Pipe.open();
      neverWritten = pipe.sink();
      Thread.ofVirtual().name("http-poller").start(() -> await(pipe.source()));
    } catch (IOException e) {
      observer.acceptFailed(e);
    }
  }

  private void await(Pipe.SourceChannel source) {
    try (source) {
      source.read(ByteBuffer.allocate(1));
    } catch (IOException | LinkageError e) {
      observer.acceptFailed(e);
    }
  }

  /// The port of the listener.
  public int port() {
    try {
      return listener.getLocalAddress() instanceof InetSocketAddress address
          ? address.getPort()
          : -1;
    } catch (IOException e) {
      throw new IllegalStateException("the listener is not bound", e);
    }
  }

  /// The number of open connections, idle ones included.
  public int openConnections() {
    return connections.size();
  }

  /// The number of requests that are being handled, streams and WebSockets included.
  public int activeRequests() {
    return activeRequests.get();
  }

  /// How long no request has begun or ended; zero while one is being handled.
  public Duration idleTime() {
    return activeRequests.get() > 0
        ? Duration.ZERO
        : Duration.ofNanos(System.nanoTime() - lastActivity);
  }

  /// Stops accepting, closes idle connections, gives running requests one second, then cuts them.
  @Override
  public void close() {
    closing = true;
    closeQuietly(listener);
    closeQuietly(neverWritten);
    Selector waiting = selector;
    if (waiting != null) {
      waiting.wakeup(); // the listener's port is free when the selector has noticed
    }
    connections.stream().filter(Connection::isIdle).forEach(Connection::close);
    awaitNoConnections(CLOSE_GRACE);
    connections.forEach(Connection::close);
    signalChange();
  }

  /// Stops accepting when nobody asks for anything, and closes the connections that clients keep
  /// for a later request: what arrives from now on stays in the listener's backlog, for whoever
  /// shares the listener. Call [#resume] on the same thread, or end the process.
  ///
  /// @return false when a request is being served or a client has connected and not asked yet
  public boolean retire() {
    accepting.lock();
    boolean idle = activeRequests.get() == 0 && connections.stream().allMatch(Connection::retire);
    if (!idle) {
      accepting.unlock();
    }
    return idle;
  }

  /// Accepts again after a successful [#retire].
  public void resume() {
    accepting.unlock();
  }

  private void acceptLoop() {
    try (Selector selector = Selector.open()) {
      this.selector = selector;
      listener.configureBlocking(false);
      listener.register(selector, SelectionKey.OP_ACCEPT);
      while (!closing) {
        awaitRoom();
        selector.select();
        selector.selectedKeys().clear();
        acceptOne();
      }
    } catch (ClosedChannelException _) {
      return;
    } catch (IOException e) {
      observer.acceptFailed(e);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void acceptOne() throws ClosedChannelException {
    accepting.lock();
    try {
      SocketChannel channel = listener.accept();
      if (channel != null) {
        accept(channel);
      }
    } catch (ClosedChannelException e) {
      throw e;
    } catch (IOException e) {
      observer.acceptFailed(e);
      awaitFewerConnections(ACCEPT_RETRY);
    } catch (OutOfMemoryError e) {
      observer.acceptFailed(e);
    } finally {
      accepting.unlock();
    }
  }

  private void accept(SocketChannel channel) throws IOException {
    try {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      Connection connection = new Connection(channel);
      connections.add(connection);
      signalChange();
      Thread.ofVirtual().name("http").start(() -> serve(connection));
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      channel.close();
      throw e;
    }
  }

  private void serve(Connection connection) {
    try (connection) {
      while (!closing && serveOne(connection)) {
        lastActivity = System.nanoTime();
      }
    } catch (IOException _) {
      // The client went away, or a time limit closed the channel: there is nobody to tell.
    } catch (OutOfMemoryError e) {
      observer.acceptFailed(e);
    } finally {
      connections.remove(connection);
      signalChange();
    }
  }

  /// Serves one request; gives whether there may be another.
  private boolean serveOne(Connection connection) throws IOException {
    RequestHead head;
    try {
      head = connection.readHead(limits);
    } catch (BadRequest e) {
      refuse(connection, e);
      return false;
    }
    if (head == null) {
      return false;
    }
    HttpObserver told =
        Unrecorded.isAskedBy(head.headers()) ? HttpObserver.ofFaults(observer) : observer;
    ConnectionExchange exchange =
        new ConnectionExchange(connection, head, limits, requestIds.of(head.headers()), told);
    activeRequests.incrementAndGet();
    long start = System.nanoTime();
    try {
      boolean reusable = answer(exchange) && exchange.finish();
      if (!reusable && exchange.clientMaySend()) {
        connection.closeGently(LINGER_TIME, LINGER_BYTES);
      }
      return reusable;
    } finally {
      lastActivity = System.nanoTime();
      activeRequests.decrementAndGet();
      told.finished(exchange, exchange.route(), exchange.status(), lastActivity - start);
    }
  }

  private static void refuse(Connection connection, BadRequest refusal) throws IOException {
    byte[] body = JsonResponses.envelope(ErrorCode.MALFORMED_REQUEST.wire(), refusalText(refusal));
    byte[] head =
        new ResponseHead(refusal.status())
            .field("Content-Type", JsonResponses.CONTENT_TYPE)
            .field("Content-Length", Integer.toString(body.length))
            .field("Connection", "close")
            .end();
    connection.write(head, 0, head.length);
    connection.write(body, 0, body.length);
    connection.closeGently(LINGER_TIME, LINGER_BYTES);
  }

  private static String refusalText(BadRequest refusal) {
    String message = refusal.getMessage();
    return message == null ? "malformed request" : message;
  }

  /// Runs the handler and turns what it throws into a response, the only place that does. Gives
  /// whether the response is whole so far.
  private boolean answer(ConnectionExchange exchange) throws IOException {
    Failure failure;
    try {
      root.handle(exchange);
      return true;
    } catch (ExecdException e) {
      failure = new Failure(e.code(), String.valueOf(e.getMessage()), e);
    } catch (BadRequest e) {
      exchange.closeAfterwards();
      failure = new Failure(ErrorCode.MALFORMED_REQUEST, refusalText(e), e);
    } catch (TruncatedBody e) {
      exchange.closeAfterwards();
      failure = new Failure(ErrorCode.MALFORMED_REQUEST, e.getMessage(), e);
    } catch (IOException | RuntimeException | Error e) {
      failure = new Failure(ErrorCode.RUNTIME_ERROR, null, e);
    }
    return answerFailure(exchange, failure);
  }

  private boolean answerFailure(ConnectionExchange exchange, Failure failure) throws IOException {
    boolean ours = failure.message() == null;
    if (exchange.isCommitted()) {
      exchange.abandon();
      if (!(failure.cause() instanceof IOException)) {
        observer.failed(exchange, failure.cause());
      }
      return false;
    }
    if (ours) {
      observer.failed(exchange, failure.cause());
    }
    String message =
        ours ? "internal error, logged as request " + exchange.requestId() : failure.message();
    JsonResponses.sendError(exchange, failure.code(), message == null ? "" : message);
    return true;
  }

  /// @param message null for a fault whose text is not for clients
  private record Failure(ErrorCode code, @Nullable String message, Throwable cause) {}

  private void reapLoop() {
    while (!closing) {
      try {
        awaitAnyConnection();
        awaitClosing(REAPER_PERIOD);
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
        return;
      }
      long now = System.nanoTime();
      for (Connection connection : connections) {
        if (connection.isOverdue(now)) {
          connection.close();
        }
      }
    }
  }

  private void awaitRoom() throws InterruptedException {
    lock.lock();
    try {
      while (!closing && connections.size() >= limits.connections()) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  private void awaitAnyConnection() throws InterruptedException {
    lock.lock();
    try {
      while (!closing && connections.isEmpty()) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /// Waits for a whole period unless the server closes before.
  private void awaitClosing(Duration period) throws InterruptedException {
    lock.lock();
    try {
      long nanos = period.toNanos();
      while (!closing && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } finally {
      lock.unlock();
    }
  }

  /// Waits until a connection has closed and given its descriptor back, or a while.
  private void awaitFewerConnections(Duration atMost) {
    int before = connections.size();
    lock.lock();
    try {
      long nanos = atMost.toNanos();
      while (!closing && connections.size() >= before && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  private void awaitNoConnections(Duration grace) {
    lock.lock();
    try {
      long nanos = grace.toNanos();
      while (!connections.isEmpty() && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  private void signalChange() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private static void closeQuietly(@Nullable Channel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException _) {
      // The process is going away or the test is over; the descriptor goes with it.
    }
  }
}
