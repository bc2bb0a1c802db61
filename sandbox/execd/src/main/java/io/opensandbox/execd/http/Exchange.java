package io.opensandbox.execd.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.util.Optional;
import java.util.OptionalLong;

/// One request and its response. Exactly one of the `respond`, `start`, `upgrade` or `takeOver`
/// methods is called, once. For the use of one thread at a time; the stream of [#startStream] and
/// the [WebSocket] say for themselves what they allow.
public interface Exchange {
  /// The method as sent, for example `GET`.
  String method();

  /// The percent-decoded path, beginning with `/`.
  String path();

  /// The path as it was sent, without the query.
  String rawPath();

  /// The query parameters.
  Query query();

  /// The request's headers.
  Headers headers();

  /// The decoded value of a `{name}` in the route's pattern.
  ///
  /// @throws IllegalArgumentException if the pattern has no such name
  String pathParameter(String name);

  /// The request's body, decoded from its transfer coding; at its end, `read` gives -1. Reading
  /// sends `100 Continue` first when the client waits for it. Need not be closed.
  InputStream body();

  /// The whole body.
  ///
  /// @throws io.opensandbox.protocol.execd.ExecdException code `TOO_LARGE` beyond `limitBytes`
  byte[] readBody(long limitBytes) throws IOException;

  /// Sends a whole response.
  void respond(int status, String contentType, byte[] body) throws IOException;

  /// Sends a whole response with further headers (`Content-Length` is added).
  void respond(int status, Headers headers, byte[] body) throws IOException;

  /// Sends a response without a payload and with `Content-Length: 0`.
  void respondEmpty(int status) throws IOException;

  /// Begins a streamed response. Nothing is sent before the first `flush()` or 8 KiB of data, but
  /// the response counts as started. Closing the stream ends the response; a handler that fails
  /// before that makes the server cut the connection.
  ///
  /// The stream is safe for use by several threads, each `write` and `flush` being atomic. Writing
  /// blocks while the client does not read.
  ///
  /// @param length the exact number of bytes that follow, or empty for chunked transfer
  OutputStream startStream(int status, Headers headers, OptionalLong length) throws IOException;

  /// Sends a part of a file without copying it through the heap (sendfile).
  ///
  /// @throws IOException also when the file has become shorter meanwhile; the connection is then
  ///   cut
  void respondFile(int status, Headers headers, FileChannel file, long position, long count)
      throws IOException;

  /// Answers a WebSocket handshake (RFC 6455) and gives the open socket, which ends with the
  /// handler.
  ///
  /// @throws io.opensandbox.protocol.execd.ExecdException 400 when the request is not a handshake
  WebSocket upgradeWebSocket() throws IOException;

  /// Runs `action` once, on another thread, when the client leaves before the response is complete.
  /// Call it when the request's body has been read; not together with [#takeOver].
  void onClientGone(Runnable action);

  /// Whether the request asks for an upgrade to WebSocket.
  boolean isWebSocketUpgrade();

  /// Hands the bare connection to the handler; the server writes nothing more and closes it when
  /// the handler returns.
  RawConnection takeOver();

  /// Whether a response has been started.
  boolean isCommitted();

  /// The peer's address.
  InetSocketAddress remote();

  /// The id of this request, which the response carries as `X-Request-ID`.
  String requestId();

  /// The same exchange under another path, to be dispatched again. The query stays.
  Exchange withRawPath(String rawPath);

  /// Names the route that was matched, for metrics, for example `/command/{id}/logs`.
  void matched(String route);

  /// Has a line written to the log. Safe for use by several threads; never waits.
  void remark(String text);

  /// Notes how the work behind a stream has ended, for metrics. The first note counts. Safe for use
  /// by several threads.
  void ended(boolean success);

  /// How the work has ended; empty when nobody has noted it.
  Optional<Boolean> outcome();
}
