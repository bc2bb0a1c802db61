package io.opensandbox.server.renewal;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/// One connection to a Redis server: as much of its protocol (RESP 2) as a reader of lists needs.
/// Used by one thread; another may close it.
final class RedisConnection implements AutoCloseable {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration READ_TIMEOUT = Duration.ofSeconds(15);
  private static final int MAX_BULK_BYTES = 1 << 20;
  private static final int MAX_LINE_BYTES = 4096;
  private static final int MAX_ITEMS = 16;

  private final Socket socket;
  private final InputStream in;

  private RedisConnection(Socket socket) throws IOException {
    this.socket = socket;
    this.in = new BufferedInputStream(socket.getInputStream());
  }

  /// Connects, logs in and selects the database.
  static RedisConnection open(RedisAddress address) throws IOException {
    RedisConnection connection = new RedisConnection(connect(address));
    try {
      if (address.password().isPresent()) {
        String password = address.password().get();
        connection.call(
            address.user().isEmpty()
                ? List.of("AUTH", password)
                : List.of("AUTH", address.user(), password));
      }
      if (address.database() != 0) {
        connection.call(List.of("SELECT", Integer.toString(address.database())));
      }
      connection.call(List.of("PING"));
      return connection;
    } catch (IOException e) {
      connection.close();
      throw e;
    }
  }

  private static Socket connect(RedisAddress address) throws IOException {
    var plain = new Socket();
    try {
      plain.connect(
          new InetSocketAddress(address.host(), address.port()), (int) CONNECT_TIMEOUT.toMillis());
      plain.setSoTimeout((int) READ_TIMEOUT.toMillis());
      plain.setTcpNoDelay(true);
      if (!address.tls()) {
        return plain;
      }
      var factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
      var secure = (SSLSocket) factory.createSocket(plain, address.host(), address.port(), true);
      SSLParameters parameters = secure.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      secure.setSSLParameters(parameters);
      secure.startHandshake();
      return secure;
    } catch (IOException e) {
      plain.close();
      throw e;
    }
  }

  /// Takes the last element of a list, waiting at most `seconds` for one.
  Optional<String> takeLast(String list, int seconds) throws IOException {
    List<String> reply = call(List.of("BRPOP", list, Integer.toString(seconds)));
    return reply.size() == 2 ? Optional.of(reply.get(1)) : Optional.empty();
  }

  /// Sends a command and gives its reply as texts; nothing is an empty list.
  List<String> call(List<String> words) throws IOException {
    var request = new ByteArrayOutputStream();
    write(request, "*" + words.size() + "\r\n");
    for (String word : words) {
      byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
      write(request, "$" + bytes.length + "\r\n");
      request.write(bytes);
      write(request, "\r\n");
    }
    socket.getOutputStream().write(request.toByteArray());
    return reply();
  }

  private static void write(ByteArrayOutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
  }

  // A reply as a list of texts; nothing is an empty list.
  private List<String> reply() throws IOException {
    String line = line();
    String rest = line.substring(1);
    return switch (line.charAt(0)) {
      case '+', ':' -> List.of(rest);
      case '-' -> throw new IOException("Redis refused: " + rest);
      case '$' -> bulk(number(rest, MAX_BULK_BYTES));
      case '*' -> {
        List<String> items = new ArrayList<>();
        for (int i = number(rest, MAX_ITEMS); i > 0; i--) {
          items.addAll(reply());
        }
        yield items;
      }
      default -> throw new IOException("this is no Redis server");
    };
  }

  private static int number(String text, int most) throws IOException {
    if (!text.matches("-1|\\d{1,9}") || Integer.parseInt(text) > most) {
      throw new IOException("Redis sent a length of \"" + text + "\"");
    }
    return Integer.parseInt(text);
  }

  private List<String> bulk(int length) throws IOException {
    if (length < 0) {
      return List.of();
    }
    byte[] bytes = in.readNBytes(length + 2);
    if (bytes.length < length + 2) {
      throw new EOFException("Redis closed the connection");
    }
    return List.of(new String(bytes, 0, length, StandardCharsets.UTF_8));
  }

  private String line() throws IOException {
    var line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0 || line.size() > MAX_LINE_BYTES) {
        throw new EOFException("Redis closed the connection");
      }
      line.write(b);
    }
    String text = line.toString(StandardCharsets.UTF_8).stripTrailing();
    if (text.isEmpty()) {
      throw new IOException("this is no Redis server");
    }
    return text;
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException _) { // it is thrown away in any case
      return;
    }
  }
}
