package io.opensandbox.runtime.docker.engine;

import com.github.dockerjava.core.LocalDirectorySSLConfig;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/// One connection to the engine, used by one exchange at a time.
final class EngineConnection implements Closeable {
  private final Closeable socket;
  private final @Nullable SocketChannel channel;
  private final InputStream in;
  private final OutputStream out;

  private EngineConnection(
      Closeable socket, @Nullable SocketChannel channel, InputStream in, OutputStream out) {
    this.socket = socket;
    this.channel = channel;
    this.in = new BufferedInputStream(in, 16 * 1024);
    this.out = out;
  }

  static EngineConnection open(EngineAddress address) throws IOException {
    return switch (address) {
      case EngineAddress.Unix unix -> plain(UnixDomainSocketAddress.of(unix.socket()));
      case EngineAddress.Tcp tcp -> {
        if (tcp.certificates().isEmpty()) {
          yield plain(new InetSocketAddress(tcp.host(), tcp.port()));
        }
        yield secure(tcp);
      }
    };
  }

  private static EngineConnection plain(SocketAddress address) throws IOException {
    SocketChannel channel = SocketChannel.open(address);
    return new EngineConnection(
        channel, channel, Channels.newInputStream(channel), Channels.newOutputStream(channel));
  }

  private static EngineConnection secure(EngineAddress.Tcp tcp) throws IOException {
    String certificates = tcp.certificates().orElseThrow().toString();
    Socket socket =
        new LocalDirectorySSLConfig(certificates)
            .getSSLContext()
            .getSocketFactory()
            .createSocket(tcp.host(), tcp.port());
    return new EngineConnection(socket, null, socket.getInputStream(), socket.getOutputStream());
  }

  InputStream in() {
    return in;
  }

  OutputStream out() {
    return out;
  }

  /// Whether an idle connection still has its other end and nothing unasked waits on it. A
  /// connection through TLS cannot be asked and counts as gone.
  boolean isReusable() {
    if (channel == null) {
      return false;
    }
    try {
      channel.configureBlocking(false);
      boolean quiet = channel.read(ByteBuffer.allocate(1)) == 0;
      channel.configureBlocking(true);
      return quiet;
    } catch (IOException _) {
      return false; // the engine went away while it was idle
    }
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException _) {
      // nothing more can be done for a socket that does not close
    }
  }
}
