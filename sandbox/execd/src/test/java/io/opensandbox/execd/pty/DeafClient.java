package io.opensandbox.execd.pty;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/// A client of `/pty/{id}/ws` that reads the handshake and nothing after it.
final class DeafClient implements AutoCloseable {
  private final Socket socket;

  private DeafClient(Socket socket) {
    this.socket = socket;
  }

  static DeafClient connect(int port, String path) throws IOException {
    var socket = new Socket(InetAddress.getLoopbackAddress(), port);
    String request =
        "GET "
            + path
            + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    var head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int b = socket.getInputStream().read();
      if (b < 0) {
        throw new IOException("refused: " + head);
      }
      head.append((char) b);
    }
    if (!head.toString().startsWith("HTTP/1.1 101 ")) {
      throw new IOException("refused: " + head);
    }
    return new DeafClient(socket);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
