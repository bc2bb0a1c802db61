package io.opensandbox.server.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// A sandbox's port, byte for byte: each connection is served by a script.
final class RawUpstream implements AutoCloseable {
  private final ServerSocket listener;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  /// Heads of requests in the order they came.
  final BlockingQueue<String> heads = new LinkedBlockingQueue<>();

  /// What went wrong in a script; the end of a test looks here.
  final List<Throwable> faults = new CopyOnWriteArrayList<>();

  /// Connections accepted so far.
  final AtomicInteger connections = new AtomicInteger();

  /// Serves one connection; the socket is closed when it returns.
  @FunctionalInterface
  interface Script {
    void serve(Peer peer) throws Exception;
  }

  /// One accepted connection.
  final class Peer {
    final Socket socket;
    final InputStream in;
    final OutputStream out;

    Peer(Socket socket) throws IOException {
      this.socket = socket;
      this.in = socket.getInputStream();
      this.out = socket.getOutputStream();
    }

    /// Reads and records a request head; empty text when the connection ended.
    String head() throws IOException {
      var head = RawHttp.readHead(in);
      if (!head.isEmpty()) {
        heads.add(head);
      }
      return head;
    }

    /// Waits until the other side has closed the connection; bytes that were on the way to it make
    /// that a reset.
    void awaitEnd() {
      try {
        assertThat(in.read()).isEqualTo(-1);
      } catch (IOException _) { // reset
        return;
      }
    }

    void send(String text) throws IOException {
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
    }
  }

  RawUpstream(Script script) throws IOException {
    listener = new ServerSocket(0, 512, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(() -> accept(script));
  }

  /// Answers every request on every connection with the same bytes; bodies with a length are read.
  static RawUpstream answering(String response) throws IOException {
    return new RawUpstream(peer -> {
      for (var head = peer.head(); !head.isEmpty(); head = peer.head()) {
        RawHttp.readBody(head, peer.in);
        peer.send(response);
      }
    });
  }

  String authority() {
    return "127.0.0.1:" + listener.getLocalPort();
  }

  /// The next request's head, waiting for it.
  String nextHead() throws InterruptedException {
    var head = heads.poll(60, TimeUnit.SECONDS);
    if (head == null) {
      throw new AssertionError("no request reached the sandbox");
    }
    return head;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (var socket : open) {
      socket.close();
    }
  }

  private void accept(Script script) {
    while (!listener.isClosed()) {
      try {
        var socket = listener.accept();
        socket.setTcpNoDelay(true);
        open.add(socket);
        connections.incrementAndGet();
        Thread.ofVirtual().start(() -> serve(socket, script));
      } catch (IOException _) {
        return; // closed at the end of the test
      }
    }
  }

  private void serve(Socket socket, Script script) {
    try (socket) {
      script.serve(new Peer(socket));
    } catch (IOException _) {
      // the proxy went away, which many tests want
    } catch (Exception | AssertionError fault) {
      faults.add(fault);
    } finally {
      open.remove(socket);
    }
  }

  /// Everything until the end.
  static byte[] drain(InputStream in) throws IOException {
    var all = new ByteArrayOutputStream();
    in.transferTo(all);
    return all.toByteArray();
  }
}
