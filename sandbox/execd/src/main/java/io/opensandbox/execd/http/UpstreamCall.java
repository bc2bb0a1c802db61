package io.opensandbox.execd.http;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnsupportedAddressTypeException;
import java.time.Duration;
import java.util.OptionalLong;

/// One HTTP/1.1 request to another server over a connection of its own: send the head, write the
/// body, read the response. Reads more leniently than the server side does, since any program may
/// answer.
///
/// One thread may send while another receives. Closing it cuts the connection and ends both.
public final class UpstreamCall implements AutoCloseable {
  private static final int MAX_HEAD_BYTES = 256 * 1024;
  private static final int MAX_INTERIM_RESPONSES = 16;

  private final Connection connection;

  private UpstreamCall(Connection connection) {
    this.connection = connection;
  }

  /// Connects.
  ///
  /// @throws IOException when nobody listens, or nobody answers in `patience`
  public static UpstreamCall connect(InetSocketAddress address, Duration patience)
      throws IOException {
    SocketChannel channel = SocketChannel.open();
    try {
      channel.socket().setTcpNoDelay(true);
      channel.socket().connect(address, Math.toIntExact(patience.toMillis()));
      return new UpstreamCall(new Connection(channel));
    } catch (UnsupportedAddressTypeException e) {
      channel.close();
      throw new ConnectException("no socket can be made for this kind of address");
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /// A response's head and body.
  ///
  /// @param length of the body; empty when only its end tells
  /// @param body fails with an IOException when the connection ends before the body does
  public record Response(int status, Headers headers, OptionalLong length, InputStream body) {}

  /// Sends a request's head. `Content-Length` or `Transfer-Encoding` and `Connection` are added
  /// here and must not be in `headers`.
  ///
  /// @param target path and query as they go on the wire
  /// @param length of the body; empty for chunked
  /// @return where the body goes; close it when it is complete, also when there is none
  public OutputStream send(String method, String target, Headers headers, OptionalLong length)
      throws IOException {
    boolean upgrade = headers.has("Upgrade");
    ResponseHead head = ResponseHead.ofRequest(method, target);
    headers.forEach(head::field);
    if (length.isEmpty()) {
      head.field("Transfer-Encoding", "chunked");
    } else if (length.getAsLong() > 0 || mayHaveBody(method)) {
      head.field("Content-Length", Long.toString(length.getAsLong()));
    }
    head.field("Connection", upgrade ? "Upgrade" : "close");
    ResponseStream.Framing framing =
        length.isEmpty() ? ResponseStream.Framing.CHUNKED : ResponseStream.Framing.SIZED;
    return new ResponseStream(connection, framing, length.orElse(0), head.end());
  }

  private static boolean mayHaveBody(String method) {
    return method.equals("POST") || method.equals("PUT") || method.equals("PATCH");
  }

  /// Waits for the response's head, passing over interim ones.
  ///
  /// @param method of the request; the response to HEAD has no body
  public Response receive(String method) throws IOException {
    for (int i = 0; i < MAX_INTERIM_RESPONSES; i++) {
      Response response = readHead(method);
      if (response.status >= 200 || response.status == 101) {
        return response;
      }
    }
    throw new IOException("too many interim responses");
  }

  /// The bare connection, after a response with status 101.
  public RawConnection takeOver() {
    return new RawConnection(connection.channel(), connection.takeBuffered());
  }

  @Override
  public void close() {
    connection.close();
  }

  private Response readHead(String method) throws IOException {
    Budget budget = new Budget();
    String line = readLine(budget);
    if (!line.startsWith("HTTP/1.") || line.length() < 12) {
      throw new IOException("the answer is not HTTP/1");
    }
    int status = status(line.substring(9, 12));
    Headers headers = new Headers();
    for (String field = readLine(budget); !field.isEmpty(); field = readLine(budget)) {
      int colon = field.indexOf(':');
      String name = colon < 0 ? "" : field.substring(0, colon).strip();
      String value = field.substring(colon + 1).strip();
      if (!HttpTokens.isToken(name) || !HttpTokens.isFieldValue(value)) {
        throw new IOException("the answer has a malformed header");
      }
      headers.addUnchecked(name, value);
    }
    return withBody(method, status, headers);
  }

  private static int status(String text) throws IOException {
    try {
      int status = Integer.parseInt(text);
      if (status >= 100) {
        return status;
      }
    } catch (NumberFormatException _) { // answered below
    }
    throw new IOException("the answer has a malformed status");
  }

  private Response withBody(String method, int status, Headers headers) throws IOException {
    boolean none = method.equals("HEAD") || status < 200 || status == 204 || status == 304;
    OptionalLong length = contentLength(headers);
    if (none) {
      return new Response(status, headers, length, InputStream.nullInputStream());
    }
    if (headers.hasToken("Transfer-Encoding", "chunked")) {
      InputStream body = new Guarded(new BodyInput.Chunked(connection));
      return new Response(status, headers, OptionalLong.empty(), body);
    }
    if (length.isPresent()) {
      BodyInput body = new BodyInput.Sized(connection, length.getAsLong());
      return new Response(status, headers, length, body);
    }
    return new Response(status, headers, length, new UntilClose());
  }

  private static OptionalLong contentLength(Headers headers) throws IOException {
    String text = headers.first("Content-Length").orElse("");
    if (text.isEmpty()) {
      return OptionalLong.empty();
    }
    try {
      long length = Long.parseLong(text);
      if (length >= 0) {
        return OptionalLong.of(length);
      }
    } catch (NumberFormatException _) { // answered below
    }
    throw new IOException("the answer has a malformed Content-Length");
  }

  private String readLine(Budget budget) throws IOException {
    StringBuilder line = new StringBuilder(64);
    for (int c = connection.read(); c != '\n'; c = connection.read()) {
      if (c < 0) {
        throw new EOFException("the connection ended before the answer's head did");
      }
      budget.spend();
      line.append((char) c);
    }
    if (!line.isEmpty() && line.charAt(line.length() - 1) == '\r') {
      line.setLength(line.length() - 1);
    }
    return line.toString();
  }

  /// What is left for the head.
  private static final class Budget {
    private int bytes = MAX_HEAD_BYTES;

    void spend() throws IOException {
      if (--bytes < 0) {
        throw new IOException("the answer's head exceeds " + MAX_HEAD_BYTES + " bytes");
      }
    }
  }

  /// Turns a breach of the chunk format into what a broken connection is.
  private static final class Guarded extends InputStream {
    private final BodyInput body;

    Guarded(BodyInput body) {
      this.body = body;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      try {
        return body.read(into, offset, length);
      } catch (BadRequest e) {
        throw new IOException("the answer breaks the chunked coding", e);
      }
    }
  }

  /// A body that ends with the connection.
  private final class UntilClose extends InputStream {
    @Override
    public int read() throws IOException {
      return connection.read();
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      return length == 0 ? 0 : connection.read(into, offset, length);
    }
  }
}
