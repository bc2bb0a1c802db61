package io.opensandbox.server.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class ProxyWebSocketTest {
  /// The handshake of RFC 6455 section 1.3, with the key's answer.
  private static final String HANDSHAKE =
      RawHttp.crlf(
          """
          Host: h
          Connection: keep-alive, Upgrade
          Upgrade: WebSocket
          Sec-WebSocket-Version: 13
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
          """);

  private static final String ACCEPTED =
      RawHttp.crlf(
          """
          HTTP/1.1 101 Switching Protocols
          Upgrade: websocket
          Connection: Upgrade
          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
          """);

  @Test
  void handshakeAndBytesPassUnread() throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(
                  ACCEPTED
                      + "Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Extensions: x\r\n\r\nearly");
              peer.in.transferTo(peer.out);
            });
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      open(
          client,
          "/v1/sandboxes/sb/proxy/80/a%2Fb?q=a%20b",
          RawHttp.crlf(
              """
              Origin: http://o
              Cookie: c=1
              Sec-WebSocket-Protocol: a, b
              Sec-WebSocket-Extensions: x, y
              X-Forwarded-For: 1.2.3.4
              """));
      var answer = RawHttp.readHead(client.getInputStream());
      var early = client.getInputStream().readNBytes(5);
      client.getOutputStream().write(new byte[] {0, 1, 2, (byte) 0x88});
      var echoed = client.getInputStream().readNBytes(4);

      assertThat(upstream.nextHead())
          .isEqualTo(
              "GET /a%2Fb?q=a%20b HTTP/1.1\r\nHost: "
                  + upstream.authority()
                  + "\r\nSec-WebSocket-Version: 13\r\n"
                  + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://o\r\n"
                  + "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: x, y\r\n"
                  + "X-Forwarded-For: 1.2.3.4\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      assertThat(answer).startsWith("HTTP/1.1 101 ");
      assertThat(RawHttp.headers(answer, "sec-websocket-accept"))
          .containsExactly("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
      assertThat(RawHttp.headers(answer, "sec-websocket-protocol")).containsExactly("b");
      assertThat(RawHttp.headers(answer, "sec-websocket-extensions")).containsExactly("x");
      assertThat(RawHttp.headers(answer, "connection")).containsExactly("Upgrade");
      assertThat(RawHttp.headers(answer, "upgrade")).containsExactly("websocket");
      assertThat(early).asString().isEqualTo("early");
      assertThat(echoed).containsExactly(0, 1, 2, 0x88);
      assertThat(proxy.accessed).containsExactly("sb");
    }
  }

  @Test
  void bytesSentBeforeTheAnswerAreNotLost() throws Exception {
    try (var upstream = echo();
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      client
          .getOutputStream()
          .write(
              ("GET /sandboxes/sb/proxy/80/ HTTP/1.1\r\n" + HANDSHAKE + "\r\nearly")
                  .getBytes(StandardCharsets.US_ASCII));
      RawHttp.readHead(client.getInputStream());

      assertThat(client.getInputStream().readNBytes(5)).asString().isEqualTo("early");
    }
  }

  @Test
  void silentSocketsOutliveTheConnectionsIdleLimit() throws Exception {
    try (var upstream = echo();
        var proxy = new ProxyFixture(ProxyFixture.PATIENCE, Duration.ofMillis(200)).to(upstream);
        var client = proxy.connect()) {
      open(client, "/sandboxes/sb/proxy/80/", "");
      RawHttp.readHead(client.getInputStream());
      assertThat(new CountDownLatch(1).await(700, TimeUnit.MILLISECONDS)).isFalse();
      client.getOutputStream().write('x');

      assertThat(client.getInputStream().read()).isEqualTo('x');
    }
  }

  @Test
  void largeAmountsPassBothWaysAtOnce() throws Exception {
    byte[] block = new byte[1 << 20];
    new Random(3).nextBytes(block);
    try (var upstream = echo();
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      open(client, "/sandboxes/sb/proxy/80/", "");
      RawHttp.readHead(client.getInputStream());
      var writer =
          CompletableFuture.runAsync(() -> {
            try {
              for (int i = 0; i < 32; i++) {
                client.getOutputStream().write(block);
              }
            } catch (IOException fault) {
              throw new IllegalStateException(fault);
            }
          });

      for (int i = 0; i < 32; i++) {
        assertThat(client.getInputStream().readNBytes(block.length)).isEqualTo(block);
      }
      writer.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void eitherEndEndsTheOther() throws Exception {
    var ended = new CountDownLatch(1);
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(ACCEPTED + "\r\n");
              int b = peer.in.read();
              if (b < 0) {
                ended.countDown();
              }
            });
        var proxy = new ProxyFixture().to(upstream)) {
      try (var client = proxy.connect()) {
        open(client, "/sandboxes/sb/proxy/80/", "");
        RawHttp.readHead(client.getInputStream());
      }
      assertThat(ended.await(60, TimeUnit.SECONDS)).as("the sandbox saw the end").isTrue();
      try (var client = proxy.connect()) {
        open(client, "/sandboxes/sb/proxy/80/", "");
        RawHttp.readHead(client.getInputStream());
        client.getOutputStream().write('x');
        assertThat(client.getInputStream().read()).isEqualTo(-1);
      }
    }
  }

  @Test
  void clientsOfTheJdkTalkAndSeeTheCloseCode() throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              var key = RawHttp.headers(peer.head(), "sec-websocket-key").getFirst();
              peer.send(ACCEPTED.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept(key)) + "\r\n");
              peer.out.write(new byte[] {(byte) 0x81, 2, 'h', 'i'});
              peer.out.write(new byte[] {(byte) 0x88, 5, 0x0F, (byte) 0xA1, 'b', 'y', 'e'});
              peer.in.readNBytes(6);
            });
        var proxy = new ProxyFixture().to(upstream);
        var http = HttpClient.newHttpClient()) {
      var seen = new Recorder();
      http.newWebSocketBuilder()
          .buildAsync(
              URI.create("ws://127.0.0.1:" + proxy.port() + "/sandboxes/sb/proxy/80/"), seen)
          .get(60, TimeUnit.SECONDS);

      assertThat(seen.closed.get(60, TimeUnit.SECONDS)).isEqualTo("hi 4001 bye");
    }
  }

  @Test
  void unknownSandboxIsAcceptedAndClosedWithTheError() throws Exception {
    try (var proxy = new ProxyFixture();
        var http = HttpClient.newHttpClient()) {
      var seen = new Recorder();
      http.newWebSocketBuilder()
          .buildAsync(
              URI.create("ws://127.0.0.1:" + proxy.port() + "/sandboxes/no/proxy/80/"), seen)
          .get(60, TimeUnit.SECONDS);

      assertThat(seen.closed.get(60, TimeUnit.SECONDS))
          .isEqualTo(
              " 1011 404: {'code': 'DOCKER::SANDBOX_NOT_FOUND', 'message': 'sandbox \"no\" not found'}");
      assertThat(proxy.accessed).containsExactly("no");
    }
  }

  @Test
  void longErrorsAreCutToWhatACloseFrameHolds() throws Exception {
    try (var proxy = new ProxyFixture()) {
      var id = "%E2%82%AC".repeat(100);

      var reason = close(proxy, "/sandboxes/" + id + "/proxy/80/").substring(5);

      assertThat(reason.getBytes(StandardCharsets.UTF_8).length).isBetween(121, 123);
      assertThat(reason).doesNotContain("\uFFFD");
    }
  }

  @Test
  void portOutOfRangeIsAcceptedAndClosed() throws Exception {
    try (var proxy = new ProxyFixture()) {
      assertThat(close(proxy, "/sandboxes/sb/proxy/70000/"))
          .startsWith("1011 400: {'code': 'DOCKER::INVALID_PORT'");
    }
  }

  @Test
  void unreachableSandboxIsAcceptedAndClosed() throws Exception {
    try (var dead = ProxyFixture.deadPort();
        var proxy = new ProxyFixture().to("127.0.0.1:" + dead.getLocalPort(), "", Map.of())) {
      assertThat(close(proxy, "/sandboxes/sb/proxy/80/")).isEqualTo("1011 ");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      })
  void refusedHandshakeIsAcceptedAndClosed(String refusal) throws Exception {
    try (var upstream = RawUpstream.answering(refusal);
        var proxy = new ProxyFixture().to(upstream)) {
      assertThat(close(proxy, "/sandboxes/sb/proxy/80/")).isEqualTo("1008 ");
    }
  }

  @Test
  void brokenHandshakeIsAcceptedAndClosed() throws Exception {
    try (var upstream = RawUpstream.answering("nonsense\r\n\r\n");
        var proxy = new ProxyFixture().to(upstream)) {
      assertThat(close(proxy, "/sandboxes/sb/proxy/80/")).isEqualTo("1011 ");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/sandboxes/sb/proxy/abc/", "/v1/sandboxes/sb", "/other", "/sandboxes/sb/proxy/"})
  void otherPathsHaveNoWebSocket(String path) throws Exception {
    try (var proxy = new ProxyFixture()) {
      var answer = proxy.exchange("GET " + path + " HTTP/1.1\r\n" + HANDSHAKE + "\r\n");

      assertThat(answer.status()).isEqualTo(403);
    }
  }

  @Test
  void incompleteHandshakesAreRefused() throws Exception {
    try (var proxy = new ProxyFixture()) {
      var path = "GET /sandboxes/sb/proxy/80/ HTTP/1.1\r\n";

      var old = proxy.exchange(path + HANDSHAKE.replace("13", "8") + "\r\n");
      var keyless = proxy.exchange(path + HANDSHAKE.replace("-Key", "-Kex") + "\r\n");

      assertThat(old.status()).isEqualTo(426);
      assertThat(old.headers("sec-websocket-version")).containsExactly("13");
      assertThat(keyless.status()).isEqualTo(400);
    }
  }

  private static RawUpstream echo() throws IOException {
    return new RawUpstream(peer -> {
      peer.head();
      peer.send(ACCEPTED + "\r\n");
      peer.in.transferTo(peer.out);
    });
  }

  private static void open(Socket client, String path, String headers) throws IOException {
    client
        .getOutputStream()
        .write(
            ("GET " + path + " HTTP/1.1\r\n" + HANDSHAKE + headers + "\r\n")
                .getBytes(StandardCharsets.US_ASCII));
  }

  /// Opens a socket that is to be closed at once; code and reason.
  private static String close(ProxyFixture proxy, String path) throws IOException {
    try (var client = proxy.connect()) {
      open(client, path, "");
      var answer = RawHttp.readHead(client.getInputStream());
      assertThat(answer).startsWith("HTTP/1.1 101 ");
      assertThat(RawHttp.headers(answer, "sec-websocket-accept"))
          .containsExactly("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
      var in = new DataInputStream(client.getInputStream());
      assertThat(in.readUnsignedByte()).isEqualTo(0x88);
      int length = in.readUnsignedByte();
      int code = in.readUnsignedShort();
      var reason = new String(in.readNBytes(length - 2), StandardCharsets.UTF_8);
      assertThat(in.read()).as("nothing after the close frame").isEqualTo(-1);
      return code + " " + reason;
    }
  }

  private static String accept(String key) throws Exception {
    var digest = java.security.MessageDigest.getInstance("SHA-1");
    var input = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    return java.util.Base64.getEncoder()
        .encodeToString(digest.digest(input.getBytes(StandardCharsets.US_ASCII)));
  }

  /// Keeps the text and how the socket was closed.
  private static final class Recorder implements WebSocket.Listener {
    final CompletableFuture<String> closed = new CompletableFuture<>();
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      text.append(data);
      socket.request(1);
      return CompletableFuture.completedStage(null);
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      closed.complete(text + " " + code + " " + reason);
      return CompletableFuture.completedStage(null);
    }

    @Override
    public void onError(WebSocket socket, Throwable fault) {
      closed.completeExceptionally(fault);
    }
  }
}
