package io.opensandbox.server.proxy;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;

/// Notices that the client went away while the server waits for the sandbox. Jetty reads no further
/// than the request, so an HTTP/1.1 client's departure would show only at the next write, which a
/// silent stream never makes.
///
/// Watches by reading: bytes that come (a pipelined request) are handed back to the connection, and
/// watching ends. Also lifts the connection's idle limit, since a stream may be silent for as long
/// as its two ends agree.
///
/// Call [#close] before the response is completed; afterwards the connection belongs to Jetty
/// again.
final class ClientWatch implements Callback, AutoCloseable {
  private static final int PEEK_BYTES = 1024;

  private final AbstractEndPoint endPoint;
  private final Connection connection;
  private final Runnable onGone;
  private final long idleTimeoutMillis;

  /// Guarded by this, like the next two.
  private boolean open;

  private boolean watching;
  private boolean gone;

  /// @param onGone called once, on a thread of the server, when the client has gone
  ClientWatch(Request request, Runnable onGone) {
    this.connection = request.getConnectionMetaData().getConnection();
    this.endPoint = (AbstractEndPoint) connection.getEndPoint();
    this.onGone = onGone;
    this.idleTimeoutMillis = endPoint.getIdleTimeout();
  }

  /// Lifts the idle limit; a peer that vanished without a word is found by TCP's own probes.
  synchronized void unlimit() throws IOException {
    if (!open) {
      open = true;
      endPoint.setIdleTimeout(0);
      if (endPoint.getTransport() instanceof SocketChannel channel) {
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      }
    }
  }

  /// Starts to watch. Call it when the request has been read to its end. Does nothing the second
  /// time.
  synchronized void start() throws IOException {
    unlimit();
    if (!watching && !gone && connection instanceof Connection.UpgradeTo) {
      watching = true;
      endPoint.tryFillInterested(this);
    }
  }

  /// Whether the client has gone.
  synchronized boolean isGone() {
    return gone;
  }

  @Override
  public synchronized void succeeded() {
    if (!watching) {
      return;
    }
    try {
      var peeked = BufferUtil.allocate(PEEK_BYTES);
      int count = endPoint.fill(peeked);
      if (count == 0) {
        endPoint.tryFillInterested(this);
      } else if (count < 0) {
        watching = false;
        gone = true;
        onGone.run();
      } else {
        watching = false;
        handBack(peeked);
      }
    } catch (IOException _) {
      watching = false;
      gone = true;
      onGone.run(); // a connection that cannot be read has no client
    }
  }

  @Override
  public synchronized void failed(Throwable fault) {
    if (watching) {
      watching = false;
      gone = true;
      onGone.run();
    }
  }

  @Override
  public InvocationType getInvocationType() {
    return InvocationType.NON_BLOCKING;
  }

  /// Stops watching and sets the idle limit again.
  @Override
  public synchronized void close() {
    if (watching) {
      watching = false;
      endPoint.getFillInterest().onFail(new IOException("the exchange has ended"));
    }
    if (open) {
      open = false;
      endPoint.setIdleTimeout(idleTimeoutMillis);
    }
  }

  private void handBack(ByteBuffer bytes) {
    try {
      ((Connection.UpgradeTo) connection).onUpgradeTo(bytes);
    } catch (RuntimeException fault) {
      // More pipelined bytes than the connection can keep: it cannot go on after this exchange.
      endPoint.close(fault);
      throw fault;
    }
  }
}
