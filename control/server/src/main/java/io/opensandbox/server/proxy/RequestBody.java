package io.opensandbox.server.proxy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Semaphore;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.jspecify.annotations.Nullable;

/// A client's request body on its way to the sandbox.
///
/// Its first part is taken at once, so that a small request goes out in one piece and can be sent
/// again when a resting connection turns out to be dead; the rest is copied by [#pump].
final class RequestBody implements AutoCloseable {
  private static final byte[] LAST_CHUNK = "0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] CRLF = "\r\n".getBytes(StandardCharsets.US_ASCII);

  private final Request request;
  private final Framing framing;
  private final Content.Chunk first;
  private final Semaphore available = new Semaphore(0);
  private volatile boolean stopped;
  private volatile boolean complete;
  private boolean released;

  /// How the sandbox gets it.
  enum Framing {
    NONE,
    LENGTH,
    CHUNKED
  }

  private RequestBody(Request request, Framing framing, Content.Chunk first) {
    this.request = request;
    this.framing = framing;
    this.first = first;
    this.complete = first.isLast();
  }

  /// Takes what has come of the body. A GET has none for the sandbox, whatever was sent.
  ///
  /// Throws `IOException` when the client's framing is broken or it went away.
  static RequestBody open(Request request) throws IOException {
    if (request.getMethod().equals("GET")) {
      return new RequestBody(request, Framing.NONE, Content.Chunk.EOF);
    }
    var framing =
        request.getLength() >= 0 && sentLength(request) ? Framing.LENGTH : Framing.CHUNKED;
    var chunk = request.read();
    if (Content.Chunk.isFailure(chunk)) {
      throw new IOException("the request body cannot be read", chunk.getFailure());
    }
    return new RequestBody(request, framing, chunk == null ? Content.Chunk.EMPTY : chunk);
  }

  /// Adds the header that announces it.
  void announce(HeaderBlock head) {
    switch (framing) {
      case NONE -> {}
      case LENGTH -> head.add("Content-Length", Long.toString(request.getLength()));
      case CHUNKED -> head.add("Transfer-Encoding", "chunked");
    }
  }

  /// Whether [#sendFirst] sends all of it.
  boolean isWhole() {
    return first.isLast();
  }

  /// Whether the client has sent all of it.
  boolean isComplete() {
    return complete;
  }

  /// Writes the head and what has come of the body.
  void sendFirst(Upstream upstream, ByteBuffer head) throws IOException {
    var bytes = first.getByteBuffer().duplicate();
    if (framing == Framing.CHUNKED) {
      upstream.write(head, chunkHead(bytes), bytes, chunkTail(bytes, first.isLast()));
    } else if (bytes.hasRemaining()) {
      upstream.write(head, bytes);
    } else {
      upstream.write(head);
    }
  }

  /// Copies the rest, at the pace of the slower side, until it is complete or [#stop] is called.
  ///
  /// Throws [ClientGoneException] when the client did not finish, another `IOException` when the
  /// sandbox takes no more.
  void pump(Upstream upstream) throws IOException, InterruptedException {
    while (!complete) {
      var chunk = next();
      if (chunk == null) {
        return;
      }
      try {
        var bytes = chunk.getByteBuffer();
        boolean last = chunk.isLast();
        if (framing == Framing.CHUNKED) {
          if (bytes.hasRemaining() || last) {
            upstream.write(chunkHead(bytes), bytes, chunkTail(bytes, last));
          }
        } else if (bytes.hasRemaining()) {
          upstream.write(bytes);
        }
        complete = last;
      } finally {
        chunk.release();
      }
    }
  }

  /// Reads the rest without sending it on, so that a client that is still writing can read the
  /// response it got early.
  void discard() throws IOException, InterruptedException {
    while (!complete) {
      var chunk = next();
      if (chunk == null) {
        return;
      }
      complete = chunk.isLast();
      chunk.release();
    }
  }

  /// Makes [#pump] and [#discard] return.
  void stop() {
    stopped = true;
    available.release();
  }

  /// Gives the first part's buffer back; nothing is sent again after this.
  @Override
  public void close() {
    if (!released) {
      released = true;
      first.release();
    }
  }

  private Content.@Nullable Chunk next() throws ClientGoneException, InterruptedException {
    while (!stopped) {
      var chunk = request.read();
      if (Content.Chunk.isFailure(chunk)) {
        throw new ClientGoneException(chunk.getFailure());
      }
      if (chunk != null) {
        return chunk;
      }
      request.demand(available::release);
      available.acquire();
    }
    return null;
  }

  private static boolean sentLength(Request request) {
    return request.getHeaders().contains(HttpHeader.CONTENT_LENGTH);
  }

  private static ByteBuffer chunkHead(ByteBuffer bytes) {
    return bytes.hasRemaining()
        ? ByteBuffer.wrap(
            (Integer.toHexString(bytes.remaining()) + "\r\n").getBytes(StandardCharsets.US_ASCII))
        : ByteBuffer.allocate(0);
  }

  private static ByteBuffer chunkTail(ByteBuffer bytes, boolean last) {
    var tail = ByteBuffer.allocate(CRLF.length + LAST_CHUNK.length);
    if (bytes.hasRemaining()) {
      tail.put(CRLF);
    }
    if (last) {
      tail.put(LAST_CHUNK);
    }
    return tail.flip();
  }

  /// The client ended the connection, or broke the framing, before its body was complete.
  static final class ClientGoneException extends IOException {
    private static final long serialVersionUID = 1L;

    ClientGoneException(Throwable cause) {
      super("the client did not send its whole request", cause);
    }
  }
}
