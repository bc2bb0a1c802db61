package io.opensandbox.execd.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.TestServer;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;

/// What must hold after a request of any bytes: the server answers in HTTP or not at all, in time,
/// and does not think that it has failed.
final class Survival {
  private static final int PATIENCE_MILLIS = 60_000;
  private static final int MAX_ANSWER_BYTES = 4 << 20;

  /// What the contract answers with 500 although the client could have known better.
  private static final Pattern CONTRACTED =
      Pattern.compile(
          "undefined environment variables|unknown language|no kernel for|no such session"
              + "|is not running|unsupported language|destination path already exists"
              + "|is a directory|not a directory|is not empty|cannot (chmod|chown)|error (creating|removing|changing|"
              + "replacing|renaming|moving|writing|unpacking|accessing|opening)|db is not initialized");

  private Survival() {}

  /// Sends a request on a connection of its own and looks at what comes of it.
  static void check(TestServer server, byte[] request) throws IOException {
    String answer = answer(server.server().port(), request);
    List<Throwable> failures = server.failures();
    failures.removeIf(Survival::isOurDoing);
    assertThat(failures).as(() -> shown(request)).isEmpty();
    if (answer.isEmpty()) {
      return; // the request was not complete, or nothing but a piece of a protocol
    }
    assertThat(answer).as(() -> shown(request)).matches("(?s)HTTP/1\\.1 [1-5]\\d\\d .*");
    if (answer.startsWith("HTTP/1.1 500")) {
      assertThat(answer).as(() -> shown(request)).containsPattern(CONTRACTED);
    }
  }

  /// A request that ends in its middle, or a client that leaves, is a failure to the server's log.
  private static boolean isOurDoing(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    return failure instanceof EOFException
        || failure instanceof ClosedChannelException
        || message.contains("Broken pipe")
        || message.contains("Connection reset");
  }

  /// Sends everything, ends sending, and reads to the end.
  private static String answer(int port, byte[] request) throws IOException {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      send(socket, request);
      InputStream in = socket.getInputStream();
      byte[] buffer = new byte[8192];
      for (int count = in.read(buffer);
          count >= 0 && answer.size() < MAX_ANSWER_BYTES;
          count = in.read(buffer)) {
        answer.write(buffer, 0, count);
      }
    } catch (SocketException _) {
      // The server need not read a request to its end before it closes.
    }
    return answer.toString(StandardCharsets.ISO_8859_1);
  }

  private static void send(Socket socket, byte[] request) throws IOException {
    try {
      socket.getOutputStream().write(request);
      socket.shutdownOutput();
    } catch (SocketException _) {
      // It has answered already, and that is what is read next.
    }
  }

  private static String shown(byte[] request) {
    String text = new String(request, StandardCharsets.ISO_8859_1);
    return "request "
        + HexFormat.of().formatHex(request, 0, Math.min(request.length, 2048))
        + "\n"
        + text.substring(0, Math.min(text.length(), 2048));
  }
}
