package io.opensandbox.execd.proxy;

import io.opensandbox.execd.http.RawConnection;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/// Copies bytes both ways between two connections until both sides have ended or one breaks.
final class Tunnel {
  private static final int BUFFER_BYTES = 16 * 1024;

  private final RawConnection client;
  private final RawConnection target;

  Tunnel(RawConnection client, RawConnection target) {
    this.client = client;
    this.target = target;
  }

  /// Blocks until the tunnel has ended. Both channels are then closed.
  void run() throws IOException {
    Thread upwards = Thread.ofVirtual().name("tunnel").start(() -> copyOrCut(client, target));
    copyOrCut(target, client);
    try {
      upwards.join();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      cut();
    }
  }

  private void copyOrCut(RawConnection from, RawConnection to) {
    try {
      copy(from, to);
    } catch (IOException _) {
      cut(); // one broken direction breaks the conversation
    }
  }

  private static void copy(RawConnection from, RawConnection to) throws IOException {
    write(to.channel(), from.received());
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    while (from.channel().read(buffer.clear()) >= 0) {
      write(to.channel(), buffer.flip());
    }
    to.channel().shutdownOutput();
  }

  private static void write(SocketChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private void cut() {
    try (SocketChannel one = client.channel();
        SocketChannel other = target.channel()) {
      one.shutdownInput();
      other.shutdownInput();
    } catch (IOException _) {
      // Closed already, by the peer or by the other direction.
    }
  }
}
