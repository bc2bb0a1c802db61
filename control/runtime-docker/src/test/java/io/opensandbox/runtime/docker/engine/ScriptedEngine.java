package io.opensandbox.runtime.docker.engine;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// An engine on a Unix socket that gives the answers it was told, one per request, in order, and a
/// client of it; both are new for each test when this is a `@RegisterExtension`.
public final class ScriptedEngine implements BeforeEachCallback, AfterEachCallback {
  /// Ends an answer after which the connection is closed.
  public static final String CLOSE = "<close>";

  private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final AtomicInteger connections = new AtomicInteger();

  @SuppressWarnings("NullAway.Init") // made before each test, like the next two
  private Path folder;

  @SuppressWarnings("NullAway.Init")
  private ServerSocketChannel listener;

  @SuppressWarnings("NullAway.Init")
  private Engine client;

  /// Listens, and lets the client ask for the version.
  @Override
  public void beforeEach(ExtensionContext context) throws IOException {
    folder = Files.createTempDirectory("engine");
    listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(socket()));
    Thread.ofVirtual().start(this::accept);
    add(answer("200 OK", "{\"Os\":\"linux\",\"Arch\":\"amd64\",\"MinAPIVersion\":\"1.12\"}"));
    client = Engine.open(address(), Duration.ofSeconds(60));
  }

  @Override
  public void afterEach(ExtensionContext context) throws IOException {
    client.close();
    listener.close();
    Files.deleteIfExists(socket());
    Files.delete(folder);
  }

  private Path socket() {
    return folder.resolve("engine.sock");
  }

  /// Where it listens.
  public EngineAddress address() {
    return new EngineAddress.Unix(socket());
  }

  /// A client that waits a minute for an answer.
  public Engine client() {
    return client;
  }

  /// Adds the next answer.
  public void add(String answer) {
    answers.add(answer);
  }

  /// Every request so far.
  public List<String> requests() {
    return requests;
  }

  /// How many connections were made.
  public int connections() {
    return connections.get();
  }

  /// An answer of known length.
  public static String answer(String status, String body) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
  }

  /// An answer in chunks, which `body` already is.
  public static String chunked(String body) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
  }

  /// An answer that ends with the connection.
  public static String untilEnd(String body) {
    return "HTTP/1.1 200 OK\r\n\r\n" + body + CLOSE;
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel connection = listener.accept();
        connections.incrementAndGet();
        Thread.ofVirtual().start(() -> serve(connection));
      }
    } catch (IOException _) {
      // the listener was closed
    }
  }

  /// Reads until a request's head is there, then sends the next answer; an empty one says nothing,
  /// one that ends with `<close>` ends the connection.
  private void serve(SocketChannel connection) {
    ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
    StringBuilder request = new StringBuilder();
    try (connection) {
      while (connection.read(buffer) >= 0) {
        request.append(StandardCharsets.UTF_8.decode(buffer.flip()));
        buffer.clear();
        boolean chunked = request.indexOf("chunked") >= 0;
        if (request.indexOf(chunked ? "\r\n0\r\n\r\n" : "\r\n\r\n") < 0) {
          continue;
        }
        requests.add(request.toString());
        request.setLength(0);
        String answer = answers.poll(60, TimeUnit.SECONDS);
        if (answer == null) {
          return;
        }
        boolean close = answer.endsWith(CLOSE);
        String text = close ? answer.substring(0, answer.length() - CLOSE.length()) : answer;
        connection.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        if (close) {
          return;
        }
      }
    } catch (IOException _) {
      // the client went away
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }
}
