package io.opensandbox.runtime.local.network;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ports of the host that lead into sandboxes.
///
/// Each open port accepts on a virtual thread of its own; each connection copies on two. At most
/// 1,024 connections a port; one more waits in the backlog. A port may be given patience: for a
/// while after it was opened, connections wait for the sandbox to listen instead of being closed.
public final class PortForwards implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PortForwards.class);
  private static final int FIRST = 40_000;
  private static final int LAST = 60_000;
  private static final int TRIES = 50;
  private static final int MAX_CONNECTIONS = 1_024;
  private static final int BUFFER_BYTES = 16 << 10;
  private static final int CONNECT_MILLIS = 5_000;
  private static final long FIRST_PAUSE_NANOS = 1_000_000;
  private static final long MAX_PAUSE_NANOS = 20_000_000;

  private final String bindAddress;
  private final Set<Forward> open = ConcurrentHashMap.newKeySet();

  /// Ports on one local address.
  public PortForwards(String bindAddress) {
    this.bindAddress = bindAddress;
  }

  /// Opens a free port between 40000 and 60000.
  ///
  /// @param patience how long from now connections wait for the sandbox to listen
  /// @throws IOException when none is found
  public Forward open(String address, int port, Duration patience) throws IOException {
    return open(address, port, patience, () -> true);
  }

  /// The same for an address that takes every connection and drops those that nobody wants.
  ///
  /// @param isListening tells whether the sandbox listens; there is patience until it does
  public Forward open(String address, int port, Duration patience, BooleanSupplier isListening)
      throws IOException {
    IOException last = null;
    for (int i = 0; i < TRIES; i++) {
      try {
        int hostPort = ThreadLocalRandom.current().nextInt(FIRST, LAST + 1);
        return open(hostPort, address, port, patience, isListening);
      } catch (IOException e) {
        last = e;
      }
    }
    throw new IOException("no free port found in " + TRIES + " tries", last);
  }

  /// Opens exactly `hostPort`.
  public Forward open(int hostPort, String address, int port) throws IOException {
    return open(hostPort, address, port, Duration.ZERO, () -> true);
  }

  private Forward open(
      int hostPort, String address, int port, Duration patience, BooleanSupplier isListening)
      throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open();
    try {
      listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      listener.bind(new InetSocketAddress(bindAddress, hostPort), 1024);
    } catch (IOException e) {
      listener.close();
      throw e;
    }
    Forward forward =
        new Forward(
            listener, hostPort, new InetSocketAddress(address, port), patience, isListening);
    open.add(forward);
    Thread.ofVirtual().name("forward-" + hostPort).start(forward::accept);
    return forward;
  }

  @Override
  public void close() {
    closeAll();
  }

  /// Closes every port and connection.
  void closeAll() {
    open.forEach(Forward::close);
  }

  /// One open port.
  public final class Forward implements AutoCloseable {
    private final ServerSocketChannel listener;
    private final int hostPort;
    private final InetSocketAddress target;
    private final long patientUntilNanos;
    private final BooleanSupplier isListening;
    private final Semaphore room = new Semaphore(MAX_CONNECTIONS);
    private final Set<SocketChannel> sockets = ConcurrentHashMap.newKeySet();

    /// Whether a connection was made already: no later one looks and waits for a listener.
    private volatile boolean reached;

    private Forward(
        ServerSocketChannel listener,
        int hostPort,
        InetSocketAddress target,
        Duration patience,
        BooleanSupplier isListening) {
      this.isListening = isListening;
      this.patientUntilNanos = System.nanoTime() + patience.toNanos();
      this.listener = listener;
      this.hostPort = hostPort;
      this.target = target;
    }

    /// The port on the host.
    public int hostPort() {
      return hostPort;
    }

    private void accept() {
      while (listener.isOpen()) {
        try {
          room.acquire();
          SocketChannel client = listener.accept();
          sockets.add(client);
          Thread.ofVirtual().start(() -> serve(client));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        } catch (IOException e) {
          if (listener.isOpen()) {
            LOG.warn("port {} cannot accept: {}", hostPort, e.getMessage());
            room.release();
          }
        }
      }
    }

    private void serve(SocketChannel client) {
      try (client;
          SocketChannel server = connect()) {
        sockets.add(server);
        client.setOption(StandardSocketOptions.TCP_NODELAY, true);
        server.setOption(StandardSocketOptions.TCP_NODELAY, true);
        Thread back = Thread.ofVirtual().start(() -> copy(server, client));
        copy(client, server);
        back.join();
        sockets.remove(server);
      } catch (IOException e) {
        // The sandbox does not listen or is frozen: the client sees the connection close.
        LOG.debug("port {} cannot reach {}: {}", hostPort, target, e.getMessage());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        sockets.remove(client);
        room.release();
      }
    }

    /// Connects to the sandbox. Nothing tells when a program in it begins to listen, so as long as
    /// there is patience, a refused connection is tried again.
    private SocketChannel connect() throws IOException {
      long pauseNanos = FIRST_PAUSE_NANOS;
      while (isPatient() && !isListening.getAsBoolean()) {
        LockSupport.parkNanos(pauseNanos);
        pauseNanos = Math.min(2 * pauseNanos, MAX_PAUSE_NANOS);
      }
      while (true) {
        SocketChannel server = SocketChannel.open();
        try {
          server.socket().connect(target, CONNECT_MILLIS);
          reached = true;
          return server;
        } catch (ConnectException e) {
          server.close();
          if (!isPatient()) {
            throw e;
          }
          LockSupport.parkNanos(pauseNanos);
          pauseNanos = Math.min(2 * pauseNanos, MAX_PAUSE_NANOS);
        } catch (IOException e) {
          server.close();
          throw e;
        }
      }
    }

    private boolean isPatient() {
      return !reached && System.nanoTime() < patientUntilNanos && listener.isOpen();
    }

    private void copy(SocketChannel from, SocketChannel to) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
      try {
        while (from.read(buffer) >= 0) {
          buffer.flip();
          while (buffer.hasRemaining()) {
            to.write(buffer);
          }
          buffer.clear();
        }
        to.shutdownOutput();
      } catch (IOException e) {
        // Either side was reset or closed; then both directions end.
        closeQuietly(from);
        closeQuietly(to);
      }
    }

    /// Closes the port and its connections.
    @Override
    public void close() {
      open.remove(this);
      closeQuietly(listener);
      sockets.forEach(PortForwards::closeQuietly);
    }
  }

  private static void closeQuietly(java.nio.channels.Channel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("cannot close a channel: {}", e.getMessage());
    }
  }
}
