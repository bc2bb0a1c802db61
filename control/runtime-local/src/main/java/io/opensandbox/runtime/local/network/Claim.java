package io.opensandbox.runtime.local.network;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A block of addresses that no other server of this machine, whosever it is, takes meanwhile: a
/// port of a loopback address is bound, without listening, and the kernel lets go of it when the
/// server dies.
public final class Claim implements AutoCloseable {
  private final SocketChannel bound;

  private Claim(SocketChannel bound) {
    this.bound = bound;
  }

  /// Claims an address.
  ///
  /// @param address of the machine's loopback network that stands for the block
  /// @param port of it, the same for all servers that claim such blocks
  /// @return empty when somebody else has it
  static Optional<Claim> of(String address, int port) {
    SocketChannel socket = null;
    try {
      socket = SocketChannel.open();
      socket.bind(new InetSocketAddress(address, port));
      return Optional.of(new Claim(socket));
    } catch (BindException e) {
      close(socket);
      return Optional.empty();
    } catch (IOException e) {
      close(socket);
      throw new UncheckedIOException("cannot claim " + address, e);
    }
  }

  private static void close(@Nullable SocketChannel socket) {
    try {
      if (socket != null) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot let go of an address", e);
    }
  }

  @Override
  public void close() {
    close(bound);
  }
}
