package io.opensandbox.server.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.opensandbox.runtime.PortAddress;
import io.opensandbox.server.TestServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// How long the server listens to a program that stands in the daemon's place.
class SandboxExecdTest {
  private static final Duration LIMIT = Duration.ofMillis(300);
  private static final Duration FAR_TOO_LONG = Duration.ofSeconds(20);

  @TempDir Path folder;

  @SuppressWarnings("NullAway.Init") // made before each test
  private TestServer server;

  @SuppressWarnings("NullAway.Init") // made before each test
  private ServerSocket daemon;

  private String id = "";

  @BeforeEach
  void listen() throws IOException {
    daemon = new ServerSocket();
    daemon.setReceiveBufferSize(4096);
    daemon.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    server = TestServer.startWith(folder, Map.of());
    id = server.create();
    server
        .runtime()
        .setAddress(id, 44772, new PortAddress("127.0.0.1:" + daemon.getLocalPort(), "", Map.of()));
  }

  @AfterEach
  void close() throws IOException {
    daemon.close();
    server.close();
  }

  @Test
  void anAnswerByteByByteIsNoAnswer() {
    Thread.startVirtualThread(this::drip);

    assertTimeoutPreemptively(
        FAR_TOO_LONG,
        () ->
            assertThat(new SandboxExecd(server.runtime()).answers(id, Optional.empty(), LIMIT))
                .isFalse());
  }

  @Test
  void aRequestThatNobodyReadsEndsAtTheLimit() {
    var command =
        new SandboxExecd.Command("true", Map.of("A", "x".repeat(32 * 1024 * 1024)), false);

    assertTimeoutPreemptively(
        FAR_TOO_LONG,
        () ->
            assertThatThrownBy(() ->
                    new SandboxExecd(server.runtime()).run(id, Optional.empty(), command, LIMIT))
                .isInstanceOf(SocketTimeoutException.class)
                .hasMessageContaining("PT0.3S"));
  }

  @Test
  void aWholeAnswerIsOne() {
    Thread.startVirtualThread(() -> answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));

    assertThat(new SandboxExecd(server.runtime()).answers(id, Optional.empty(), FAR_TOO_LONG))
        .isTrue();
  }

  private void answer(String text) {
    try (Socket client = daemon.accept()) {
      client.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException _) { // the test is over
    }
  }

  // A byte well within each read's time, without end.
  private void drip() {
    try (Socket client = daemon.accept();
        OutputStream out = client.getOutputStream()) {
      out.write("HTTP/1.1 200 OK\r\nX: ".getBytes(StandardCharsets.US_ASCII));
      while (true) {
        out.write('x');
        LockSupport.parkNanos(LIMIT.toNanos() / 10);
      }
    } catch (IOException _) { // the server has gone
    }
  }
}
