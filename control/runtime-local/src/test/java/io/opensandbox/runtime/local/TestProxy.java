package io.opensandbox.runtime.local;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicLong;

/// Passes connections on to a port of this machine, until it has passed back a number of bytes.
final class TestProxy implements AutoCloseable {
  /// What happens to every connection once the bytes are used up.
  @FunctionalInterface
  interface Limit {
    /// Returns when it may go on.
    ///
    /// @throws IOException to cut the connection
    void reached() throws IOException;
  }

  private final ServerSocket listening;
  private final int target;
  private final AtomicLong left;
  private final Limit limit;

  TestProxy(int target, long bytes, Limit limit) throws IOException {
    this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    this.target = target;
    this.left = new AtomicLong(bytes);
    this.limit = limit;
    Thread.startVirtualThread(this::accept);
  }

  /// `host:port`.
  String name() {
    return "127.0.0.1:" + listening.getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listening.accept();
        Thread.startVirtualThread(() -> serve(client));
      }
    } catch (IOException e) {
      // It was closed.
      return;
    }
  }

  private void serve(Socket client) {
    try (client;
        Socket server = new Socket(InetAddress.getLoopbackAddress(), target)) {
      Thread.startVirtualThread(() -> send(client, server));
      InputStream in = server.getInputStream();
      OutputStream out = client.getOutputStream();
      byte[] buffer = new byte[8192];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        if (left.addAndGet(-n) < 0) {
          limit.reached();
        }
        out.write(buffer, 0, n);
      }
    } catch (IOException e) {
      // The connection is cut, on both sides.
      return;
    }
  }

  private static void send(Socket client, Socket server) {
    try {
      client.getInputStream().transferTo(server.getOutputStream());
    } catch (IOException e) {
      // The other direction closes both.
      return;
    }
  }

  @Override
  public void close() throws IOException {
    listening.close();
  }
}
