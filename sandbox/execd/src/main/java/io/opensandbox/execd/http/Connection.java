package io.opensandbox.execd.http;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// One client connection: its channel, the bytes read ahead, and the moment at which the reaper
/// cuts it. Reading is for the connection's own thread; writing is serialised by whoever writes.
final class Connection implements AutoCloseable {
  private static final int INITIAL_BUFFER_BYTES = 4096;

  /// Larger reads and writes go in pieces, since the JDK keeps a direct copy buffer of that size.
  private static final int PIECE_BYTES = 256 * 1024;

  private static final long NEVER = 0;

  private final SocketChannel channel;
  private final InetSocketAddress remote;
  private byte[] buffer = new byte[INITIAL_BUFFER_BYTES];
  private int position;
  private int limit;
  private volatile long readDeadline = NEVER;
  private volatile long writeDeadline = NEVER;
  private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.FRESH);

  /// Held while somebody else than the connection's own thread reads: the watch.
  private final ReentrantLock watching = new ReentrantLock();

  // Guarded by `watching`.
  private @Nullable Object watch;
  private boolean clientGone;

  private enum Phase {
    /// No request has begun.
    FRESH,
    /// A request is being read or answered.
    BUSY,
    /// Between two requests.
    IDLE,
    /// Closed between two requests: what arrives is not taken any more.
    RETIRED
  }

  Connection(SocketChannel channel) throws IOException {
    this.channel = channel;
    this.remote = (InetSocketAddress) channel.getRemoteAddress();
  }

  InetSocketAddress remote() {
    return remote;
  }

  SocketChannel channel() {
    return channel;
  }

  /// Whether the connection waits for a request's first byte.
  boolean isIdle() {
    return phase.get() != Phase.BUSY;
  }

  /// Closes the connection if it lies between two requests.
  ///
  /// @return false when a request is being served, or the first one has not come yet
  boolean retire() {
    boolean retired = phase.compareAndSet(Phase.IDLE, Phase.RETIRED);
    if (retired) {
      close();
    }
    return retired || phase.get() == Phase.RETIRED;
  }

  /// Cuts the connection if it is not read from until then; null lifts the limit.
  void limitReading(@Nullable Duration time) {
    readDeadline = deadline(time);
  }

  /// Cuts the connection if a writer is not done until then; null lifts the limit.
  void limitWriting(@Nullable Duration time) {
    writeDeadline = deadline(time);
  }

  private static long deadline(@Nullable Duration time) {
    if (time == null) {
      return NEVER;
    }
    long at = System.nanoTime() + time.toNanos();
    return at == NEVER ? 1 : at;
  }

  boolean isOverdue(long now) {
    return isPast(readDeadline, now) || isPast(writeDeadline, now);
  }

  private static boolean isPast(long deadline, long now) {
    return deadline != NEVER && now - deadline >= 0;
  }

  /// Waits for the next request and parses its head; null when the client has closed.
  @Nullable RequestHead readHead(HttpLimits limits) throws IOException {
    phase.compareAndSet(Phase.BUSY, Phase.IDLE);
    limitReading(limits.idle());
    if (endWatch()) {
      return null;
    }
    if (position == limit) {
      shrink();
      if (fill() < 0) {
        return null;
      }
    }
    if (!phase.compareAndSet(Phase.IDLE, Phase.BUSY)
        && !phase.compareAndSet(Phase.FRESH, Phase.BUSY)) {
      throw new ClosedChannelException();
    }
    limitReading(limits.headTime());
    if (!skipEmptyLines()) {
      return null;
    }
    int end = findHeadEnd(limits.headBytes());
    RequestHead head = HeadParser.parse(buffer, position, end);
    position = end;
    limitReading(null);
    return head;
  }

  /// Runs `whenGone`, on another thread, when the client leaves while its request is being served.
  /// What it sends instead is kept for the next request. Call it when the request's body has been
  /// read; the connection is not read from until [#readHead].
  void watch(Runnable whenGone) {
    var token = new Object();
    watching.lock();
    try {
      watch = token;
    } finally {
      watching.unlock();
    }
    Thread.ofVirtual()
        .name("http-watch")
        .start(() -> {
          watching.lock();
          try {
            if (token.equals(watch) && position == limit && hasEnded()) {
              clientGone = true;
              whenGone.run();
            }
          } finally {
            watching.unlock();
          }
        });
  }

  private boolean hasEnded() {
    try {
      return fill() < 0;
    } catch (IOException _) { // cut, by whichever side
      return true;
    }
  }

  /// Waits for a watch that already reads, and keeps one from beginning to.
  private boolean endWatch() {
    watching.lock();
    try {
      watch = null;
      return clientGone;
    } finally {
      watching.unlock();
    }
  }

  private boolean skipEmptyLines() throws IOException {
    int skipped = 0;
    while (true) {
      while (position < limit && (buffer[position] == '\r' || buffer[position] == '\n')) {
        position++;
        if (++skipped > 16) {
          throw new BadRequest("too many empty lines before the request");
        }
      }
      if (position < limit) {
        return true;
      }
      if (fill() < 0) {
        return false;
      }
    }
  }

  private int findHeadEnd(int maxBytes) throws IOException {
    int scanned = position;
    while (true) {
      for (int i = Math.max(scanned, position + 3); i < limit; i++) {
        if (buffer[i] == '\n'
            && buffer[i - 1] == '\r'
            && buffer[i - 2] == '\n'
            && buffer[i - 3] == '\r') {
          return i + 1;
        }
      }
      int length = limit - position;
      if (length >= maxBytes) {
        throw new BadRequest(431, "request line and headers exceed " + maxBytes + " bytes");
      }
      refuseNonHttp();
      scanned = limit;
      int before = position;
      if (fill() < 0) {
        throw new EOFException("connection closed inside a request head");
      }
      scanned -= before - position;
    }
  }

  /// A client that speaks something else (TLS, for example) gets an answer at once instead of at
  /// the head's time limit.
  private void refuseNonHttp() {
    if (!HttpTokens.isTokenChar(buffer[position])) {
      throw new BadRequest("malformed request line: no method");
    }
  }

  /// Reads more into the buffer, making room first; -1 at the end of the stream.
  private int fill() throws IOException {
    if (limit == buffer.length) {
      if (position > 0) {
        System.arraycopy(buffer, position, buffer, 0, limit - position);
        limit -= position;
        position = 0;
      } else {
        buffer = Arrays.copyOf(buffer, buffer.length * 2);
      }
    }
    int room = Math.min(buffer.length - limit, PIECE_BYTES);
    int count = channel.read(ByteBuffer.wrap(buffer, limit, room));
    if (count > 0) {
      limit += count;
    }
    return count;
  }

  private void shrink() {
    position = 0;
    limit = 0;
    if (buffer.length > INITIAL_BUFFER_BYTES) {
      buffer = new byte[INITIAL_BUFFER_BYTES];
    }
  }

  /// Reads bytes after the head: first what is buffered, then from the channel.
  int read(byte[] into, int offset, int length) throws IOException {
    int buffered = limit - position;
    if (buffered > 0) {
      int count = Math.min(buffered, length);
      System.arraycopy(buffer, position, into, offset, count);
      position += count;
      return count;
    }
    return channel.read(ByteBuffer.wrap(into, offset, Math.min(length, PIECE_BYTES)));
  }

  /// Reads one byte, -1 at the end of the stream. Used for chunk heads, so it buffers.
  int read() throws IOException {
    if (position == limit) {
      position = 0;
      limit = 0;
      if (fill() < 0) {
        return -1;
      }
    }
    return buffer[position++] & 0xff;
  }

  /// What was read ahead; the connection forgets it.
  ByteBuffer takeBuffered() {
    ByteBuffer taken = ByteBuffer.wrap(Arrays.copyOfRange(buffer, position, limit));
    position = limit;
    return taken;
  }

  void write(byte[] bytes, int offset, int length) throws IOException {
    int end = offset + length;
    for (int at = offset; at < end; at += PIECE_BYTES) {
      write(ByteBuffer.wrap(bytes, at, Math.min(PIECE_BYTES, end - at)));
    }
  }

  void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  void write(ByteBuffer[] parts) throws IOException {
    long remaining = 0;
    for (ByteBuffer part : parts) {
      remaining += part.remaining();
    }
    while (remaining > 0) {
      remaining -= channel.write(parts);
    }
  }

  /// Sends a part of a file. `transferTo` may decline (a full socket, a file system without
  /// sendfile); one piece is then written the ordinary way, which waits for the socket.
  void transfer(FileChannel file, long position, long count) throws IOException {
    long at = position;
    long end = position + count;
    while (at < end) {
      long sent = file.transferTo(at, Math.min(end - at, 1L << 30), channel);
      if (sent <= 0) {
        sent = copyPiece(file, at, end);
      }
      at += sent;
    }
  }

  private int copyPiece(FileChannel file, long at, long end) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate((int) Math.min(end - at, PIECE_BYTES));
    int count = file.read(piece, at);
    if (count < 0) {
      throw new EOFException("the file became shorter while it was sent");
    }
    write(piece.flip());
    return count;
  }

  /// Ends the sending side and reads what the client still sends for a moment, so that closing does
  /// not reset the connection before the client has read the response.
  void closeGently(Duration patience, long maxBytes) throws IOException {
    channel.shutdownOutput();
    limitReading(patience);
    byte[] ignored = new byte[8192];
    long total = 0;
    int count = 0;
    while (count >= 0 && total < maxBytes) {
      count = read(ignored, 0, ignored.length);
      total += count;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException _) {
      // Nothing is left to lose on a connection that is going away.
    }
  }
}
