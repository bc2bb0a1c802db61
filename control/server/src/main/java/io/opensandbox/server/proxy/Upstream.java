package io.opensandbox.server.proxy;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/// One connection to a port of a sandbox; blocking, and closable from another thread.
final class Upstream implements AutoCloseable {
  private static final int HEAD_BYTES = 8 * 1024;
  private static final int MAX_HEAD_BYTES = 128 * 1024;

  private final String authority;
  private final SocketChannel channel;
  private final AtomicBoolean closed = new AtomicBoolean();
  private byte[] head = new byte[0];
  private int headStart;
  private int headEnd;
  private boolean used;
  private long idleSinceNanos;

  private Upstream(String authority, SocketChannel channel) {
    this.authority = authority;
    this.channel = channel;
  }

  /// Connects.
  ///
  /// Throws `SocketTimeoutException` after `timeout`, another `IOException` when nothing listens
  /// there or the address makes no sense.
  ///
  /// @param authority `host:port`
  static Upstream connect(String authority, Duration timeout) throws IOException {
    var channel = SocketChannel.open();
    try {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      channel.socket().connect(address(authority), Math.toIntExact(timeout.toMillis()));
      return new Upstream(authority, channel);
    } catch (UnresolvedAddressException fault) {
      channel.close();
      throw new UnknownHostException(authority);
    } catch (IOException | RuntimeException fault) {
      channel.close();
      throw fault;
    }
  }

  String authority() {
    return authority;
  }

  /// Whether it has carried a request before, so that the sandbox may have closed it unseen.
  boolean isUsed() {
    return used;
  }

  /// Whether any byte of a response to the current request has come.
  boolean hasAnswered() {
    return headEnd > 0;
  }

  /// Writes everything.
  void write(ByteBuffer... buffers) throws IOException {
    long left = 0;
    for (var buffer : buffers) {
      left += buffer.remaining();
    }
    while (left > 0) {
      left -= buffers.length == 1 ? channel.write(buffers[0]) : channel.write(buffers);
    }
  }

  /// Reads a final response head; interim ones (1xx) are skipped. What came after it is in
  /// [#leftover].
  ///
  /// Throws `SocketTimeoutException` when no byte came for `timeout`; it may be called again then.
  ///
  /// @param upgrade whether 101 is a final answer
  ResponseHead readHead(Duration timeout, boolean upgrade) throws IOException {
    if (head.length == 0) {
      head = new byte[HEAD_BYTES];
    }
    while (true) {
      int end = endOfHead();
      if (end > 0) {
        var parsed = ResponseHead.parse(head, headStart, end);
        headStart = end;
        if (parsed.status() >= 200 || (upgrade && parsed.status() == 101)) {
          return parsed;
        }
        if (parsed.status() == 101) {
          throw new ProtocolException("switched protocols without being asked");
        }
      } else {
        fillHead(timeout);
      }
    }
  }

  /// Body bytes that came together with the head.
  ByteBuffer leftover() {
    return ByteBuffer.wrap(head, headStart, headEnd - headStart);
  }

  /// Reads some bytes, waiting as long as it takes; -1 at the end.
  int read(ByteBuffer buffer) throws IOException {
    return channel.read(buffer);
  }

  /// Tells the sandbox that nothing more will come.
  void shutdownOutput() throws IOException {
    channel.shutdownOutput();
  }

  /// Makes it ready to wait for its next request.
  void rest(long nowNanos) {
    head = new byte[0];
    headStart = 0;
    headEnd = 0;
    used = true;
    idleSinceNanos = nowNanos;
  }

  /// How long it has been waiting.
  Duration idleFor(long nowNanos) {
    return Duration.ofNanos(nowNanos - idleSinceNanos);
  }

  /// Whether a resting connection is still open and silent; bytes nobody asked for spoil it.
  boolean isFresh() {
    try {
      channel.configureBlocking(false);
      try {
        return channel.read(ByteBuffer.allocate(1)) == 0;
      } finally {
        channel.configureBlocking(true);
      }
    } catch (IOException _) {
      return false; // broken while it rested: what was asked
    }
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      try {
        channel.close();
      } catch (IOException fault) {
        throw new UncheckedIOException(fault);
      }
    }
  }

  private void fillHead(Duration timeout) throws IOException {
    if (headEnd == head.length) {
      growHead();
    }
    channel.socket().setSoTimeout(Math.max(1, Math.toIntExact(timeout.toMillis())));
    int count = channel.socket().getInputStream().read(head, headEnd, head.length - headEnd);
    if (count < 0) {
      throw new EOFException("closed without a complete response");
    }
    headEnd += count;
  }

  private void growHead() throws ProtocolException {
    if (head.length >= MAX_HEAD_BYTES) {
      throw new ProtocolException("the response head is larger than " + MAX_HEAD_BYTES + " bytes");
    }
    head = Arrays.copyOf(head, head.length * 2);
  }

  /// The index after the empty line, or 0.
  private int endOfHead() {
    for (int i = headStart; i < headEnd; i++) {
      if (head[i] == '\n') {
        if (i + 1 < headEnd && head[i + 1] == '\n') {
          return i + 2;
        }
        if (i + 2 < headEnd && head[i + 1] == '\r' && head[i + 2] == '\n') {
          return i + 3;
        }
      }
    }
    return 0;
  }

  private static InetSocketAddress address(String authority) {
    int colon = authority.lastIndexOf(':');
    var host = authority.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    return new InetSocketAddress(
        bracketed ? host.substring(1, host.length() - 1) : host,
        Integer.parseInt(authority, colon + 1, authority.length(), 10));
  }

  /// A wait that ended without a byte.
  static boolean isTimeout(IOException fault) {
    return fault instanceof SocketTimeoutException;
  }
}
