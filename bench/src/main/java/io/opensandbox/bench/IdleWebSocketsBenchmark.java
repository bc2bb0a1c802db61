package io.opensandbox.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/// What idle WebSockets through the proxy cost a lifecycle server in memory.
final class IdleWebSocketsBenchmark implements Benchmark {
  private static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";
  private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  private static final int TIMEOUT_MILLIS = 60_000;

  @Override
  public String name() {
    return "server-websockets";
  }

  @Override
  public List<Result> run(Target target) {
    return LocalServer.measure(target, (server, _) -> measure(target, server));
  }

  private static List<Result> measure(Target target, LocalServer server) throws IOException {
    int count = target.quick() ? 20 : 1000;
    try (var upstream = new Upstream()) {
      var id = Clients.create(server.api());
      close(open(server, id, upstream, count / 10)); // what is loaded with the first stays
      double before = server.rssMib();
      var open = open(server, id, upstream, count);
      double after = server.rssMib();
      close(open);
      return List.of(
          new Result("idle-websockets", count, 0, Map.of())
              .with("rss_before_mib", before)
              .with("rss_open_mib", after)
              .with("more_mib", after - before));
    }
  }

  private static List<Socket> open(LocalServer server, String id, Upstream upstream, int count)
      throws IOException {
    var sockets = new ArrayList<Socket>();
    for (int i = 0; i < count; i++) {
      var socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
      sockets.add(socket);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      var request =
          "GET /sandboxes/"
              + id
              + "/proxy/"
              + upstream.port()
              + "/ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
              + KEY
              + "\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      var status = head(socket).getFirst();
      if (!status.contains(" 101 ")) {
        throw new IllegalStateException("no WebSocket: " + status);
      }
    }
    return sockets;
  }

  private static List<String> head(Socket socket) throws IOException {
    var lines = new ArrayList<String>();
    var reader =
        new BufferedReader(
            new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII), 1);
    for (var line = reader.readLine(); line != null && !line.isEmpty(); line = reader.readLine()) {
      lines.add(line);
    }
    if (lines.isEmpty()) {
      throw new IOException("the connection was closed");
    }
    return lines;
  }

  private static void close(List<Socket> sockets) throws IOException {
    for (var socket : sockets) {
      socket.close();
    }
  }

  /// Accepts WebSockets and says nothing on them.
  private static final class Upstream implements AutoCloseable {
    private final ServerSocket listener;

    Upstream() throws IOException {
      listener = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());
      Thread.ofVirtual().start(this::accept);
    }

    int port() {
      return listener.getLocalPort();
    }

    private void accept() {
      try {
        while (true) {
          var socket = listener.accept();
          Thread.ofVirtual().start(() -> hold(socket));
        }
      } catch (IOException _) {
        // the listener was closed
      }
    }

    private static void hold(Socket socket) {
      try (socket) {
        var key =
            head(socket).stream()
                .filter(line -> line.regionMatches(true, 0, "Sec-WebSocket-Key:", 0, 18))
                .map(line -> line.substring(18).strip())
                .findFirst()
                .orElse("");
        var answer =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Accept: "
                + accepted(key)
                + "\r\n\r\n";
        socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
        while (socket.getInputStream().read() >= 0) {
          // what comes is not looked at
        }
      } catch (IOException _) {
        // the server has closed it
      }
    }

    private static String accepted(String key) {
      try {
        var digest = MessageDigest.getInstance("SHA-1");
        return Base64.getEncoder()
            .encodeToString(digest.digest((key + GUID).getBytes(StandardCharsets.US_ASCII)));
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void close() throws IOException {
      listener.close();
    }
  }
}
