package io.opensandbox.server.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Stands between a server and its engine, and kills the server at a chosen change of the engine:
/// before the engine hears of it, or when the engine has done it and before the server knows.
final class EngineRelay implements AutoCloseable {
  private static final List<String> CHANGES = List.of("POST ", "PUT ", "DELETE ");

  private final Path socket;
  private final Path engine;
  private final ServerSocketChannel listener;
  private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();
  // The next five are guarded by this.
  private int changesLeft;
  private boolean armed;
  private boolean killed;
  private boolean afterwards;
  private Runnable killer = () -> {};

  /// @param socket to listen on
  /// @param engine socket of the engine
  EngineRelay(Path socket, Path engine) throws IOException {
    this.socket = socket;
    this.engine = engine;
    this.listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(socket));
    Thread.ofPlatform().daemon().name("relay").start(this::accept);
  }

  String address() {
    return "unix://" + socket;
  }

  /// Kills the process at the change number `number` from now on, counted from 0.
  ///
  /// @param after whether the engine does that change
  synchronized void killAt(int number, boolean after, Process process) {
    changesLeft = number;
    armed = true;
    killed = false;
    afterwards = after;
    killer =
        () -> {
          process.destroyForcibly();
          closeAll();
        };
  }

  /// Kills nothing any more.
  ///
  /// @return whether the process was killed; it may take a moment to be gone
  synchronized boolean spare() {
    armed = false;
    return killed;
  }

  synchronized boolean hasKilled() {
    return killed;
  }

  private void accept() {
    while (listener.isOpen()) {
      acceptOne();
    }
  }

  private void acceptOne() {
    try {
      SocketChannel server = listener.accept();
      SocketChannel toEngine = SocketChannel.open(UnixDomainSocketAddress.of(engine));
      open.add(server);
      open.add(toEngine);
      new Connection(server, toEngine).start();
    } catch (IOException _) { // closed, or the engine is away; the server sees the latter itself
      return;
    }
  }

  private void closeAll() {
    open.forEach(EngineRelay::close);
    open.clear();
  }

  private static void close(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What a change means.
  private enum Verdict {
    PASS,
    KILL_NOW,
    KILL_AFTERWARDS
  }

  private synchronized Verdict judge(ByteBuffer bytes) {
    String head =
        StandardCharsets.ISO_8859_1
            .decode(bytes.duplicate().limit(Math.min(bytes.limit(), 8)))
            .toString();
    if (!armed || changesLeft < 0 || CHANGES.stream().noneMatch(head::startsWith)) {
      return Verdict.PASS;
    }
    boolean due = changesLeft == 0;
    changesLeft--;
    if (!due) {
      return Verdict.PASS;
    }
    return afterwards ? Verdict.KILL_AFTERWARDS : Verdict.KILL_NOW;
  }

  // False when the death was called off meanwhile.
  private synchronized boolean kill() {
    if (!armed) {
      return false;
    }
    killed = true;
    killer.run();
    return true;
  }

  /// One connection of the server.
  private final class Connection {
    private final SocketChannel server;
    private final SocketChannel toEngine;
    private volatile boolean lastWords;

    Connection(SocketChannel server, SocketChannel toEngine) {
      this.server = server;
      this.toEngine = toEngine;
    }

    void start() {
      Thread.ofPlatform().daemon().start(() -> pump(server, toEngine, true));
      Thread.ofPlatform().daemon().start(() -> pump(toEngine, server, false));
    }

    private void pump(SocketChannel from, SocketChannel to, boolean requests) {
      ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
      try (from;
          to) {
        while (from.read(buffer.clear()) >= 0) {
          buffer.flip();
          if (requests && !mayPass(buffer)) {
            return;
          }
          if (!requests && lastWords && kill()) {
            return;
          }
          while (buffer.hasRemaining()) {
            to.write(buffer);
          }
        }
      } catch (IOException _) { // either side went away; so does the other
        return;
      } finally {
        open.remove(from);
        open.remove(to);
      }
    }

    private boolean mayPass(ByteBuffer buffer) {
      return switch (judge(buffer)) {
        case PASS -> true;
        case KILL_AFTERWARDS -> {
          lastWords = true;
          yield true;
        }
        case KILL_NOW -> !kill();
      };
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    closeAll();
    Files.deleteIfExists(socket);
  }
}
