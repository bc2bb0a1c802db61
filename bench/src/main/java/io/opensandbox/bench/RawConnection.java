package io.opensandbox.bench;

import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/// One connection to an execd of this machine that does next to nothing with what it reads, so that
/// the client is not what is measured.
final class RawConnection implements AutoCloseable {
  private static final byte[] LAST_CHUNK = "\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;
  private final byte[] buffer = new byte[1 << 18];

  RawConnection(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setTcpNoDelay(true);
    in = socket.getInputStream();
    out = new BufferedOutputStream(socket.getOutputStream(), 1 << 18);
  }

  /// Sends the head of a request; `length` bytes of body are to follow.
  OutputStream begin(String method, String path, String contentType, long length)
      throws IOException {
    String head =
        "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            .formatted(method, path, contentType, length);
    out.write(head.getBytes(StandardCharsets.US_ASCII));
    return out;
  }

  /// Runs a command and reads its events to their end.
  ///
  /// @return bytes read
  long run(String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    begin("POST", "/command", "application/json", body.length).write(body);
    out.flush();
    return readChunked();
  }

  /// Reads a response that ends with a last chunk.
  private long readChunked() throws IOException {
    var tail = new byte[LAST_CHUNK.length];
    long total = 0;
    while (true) {
      int count = in.read(buffer);
      if (count < 0) {
        throw new EOFException("the response is cut short");
      }
      total += count;
      int kept = Math.min(count, tail.length);
      System.arraycopy(tail, kept, tail, 0, tail.length - kept);
      System.arraycopy(buffer, count - kept, tail, tail.length - kept, kept);
      if (java.util.Arrays.equals(tail, LAST_CHUNK)) {
        return total;
      }
    }
  }

  /// Reads a head and its status.
  ///
  /// @return the body's length
  long readHead(int status) throws IOException {
    out.flush();
    var head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      head.append((char) readByte());
    }
    if (!head.toString().startsWith("HTTP/1.1 " + status + " ")) {
      throw new IOException("unexpected answer: " + head);
    }
    int at = head.indexOf("Content-Length: ");
    return at < 0 ? 0 : Long.parseLong(head.substring(at + 16, head.indexOf("\r\n", at)));
  }

  /// Reads so many bytes and forgets them.
  void skip(long bytes) throws IOException {
    for (long left = bytes; left > 0; ) {
      int count = in.read(buffer, 0, (int) Math.min(left, buffer.length));
      if (count < 0) {
        throw new EOFException("the body is cut short");
      }
      left -= count;
    }
  }

  int readByte() throws IOException {
    int b = in.read();
    if (b < 0) {
      throw new EOFException("the connection has ended");
    }
    return b;
  }

  OutputStream out() {
    return out;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
