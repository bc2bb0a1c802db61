package io.opensandbox.execd.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.http.TokenGuard;
import io.opensandbox.execd.http.WebSocket;
import io.opensandbox.execd.http.WebSocketMessage;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class PortProxyTest {
  private final CountDownLatch released = new CountDownLatch(1);
  private final TestServer target = new TestServer(this::answerAsTarget);
  private TestServer proxy;

  @BeforeEach
  void start() {
    Router router = new Router(new TokenGuard("secret"));
    router.add("GET", "/ping", exchange -> exchange.respondEmpty(200));
    router.add("POST", "/echo", this::answerAsTarget);
    router.add("GET", "/ws", this::answerAsTarget);
    new PortProxy(
            router,
            () -> proxy.server().port(),
            List.of(InetAddress.getLoopbackAddress()),
            Duration.ofSeconds(60))
        .register(router);
    proxy = new TestServer(router);
  }

  @AfterEach
  void stop() {
    released.countDown();
    proxy.close();
    target.close();
  }

  private void answerAsTarget(Exchange exchange) throws IOException {
    switch (exchange.path()) {
      case "/echo" ->
          exchange.respond(201, Headers.of("X-Target", "yes"), exchange.readBody(9_000_000));
      case "/stream" -> stream(exchange);
      case "/ws" -> echoMessages(exchange);
      case "/early" -> exchange.respond(200, "text/plain", bytes("early"));
      default -> exchange.respond(200, "text/plain", bytes(description(exchange)));
    }
  }

  private static String description(Exchange exchange) {
    StringBuilder text = new StringBuilder();
    text.append(exchange.method()).append(' ').append(exchange.rawPath());
    text.append('?').append(exchange.query().raw()).append('\n');
    exchange
        .headers()
        .forEach((name, value) -> text.append(name).append(": ").append(value).append('\n'));
    return text.toString();
  }

  private void stream(Exchange exchange) throws IOException {
    try (OutputStream out =
        exchange.startStream(
            200, Headers.of("Content-Type", "text/event-stream"), OptionalLong.empty())) {
      out.write(bytes("first"));
      out.flush();
      awaitRelease();
      out.write(bytes("second"));
    }
  }

  private void awaitRelease() {
    try {
      assertThat(released.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private static void echoMessages(Exchange exchange) throws IOException {
    WebSocket socket = exchange.upgradeWebSocket();
    while (socket.receive() instanceof WebSocketMessage.Text(String text)) {
      socket.sendText(text);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private String prefix() {
    return "/proxy/" + target.server().port();
  }

  private static String head(String method, String path, String headers) {
    return method
        + " "
        + path
        + " HTTP/1.1\r\nHost: sandbox.example\r\nX-EXECD-ACCESS-TOKEN: secret\r\n"
        + headers
        + "\r\n";
  }

  @Test
  void passesPathQueryAndHeadersOnUnchanged() throws IOException {
    String request =
        head(
            "GET",
            prefix() + "/a%2Fb/%20?x=1&y=%2F",
            "Accept: a/b\r\nX-Forwarded-Host: no\r\nConnection: X-Drop\r\nX-Drop: 1\r\n");

    String seen = proxy.request(request).body();

    assertThat(seen).startsWith("GET /a%2Fb/%20?x=1&y=%2F\n");
    assertThat(seen)
        .contains("Host: sandbox.example\n", "Accept: a/b\n", "X-Forwarded-Proto: http\n")
        .contains("X-Forwarded-For: 127.0.0.1, 127.0.0.1\n")
        .doesNotContain("secret", "X-Drop", "X-Forwarded-Host");
  }

  @Test
  void keepsTheFirstForwardedAddress() throws IOException {
    String seen =
        proxy.request(head("GET", prefix(), "X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n")).body();

    assertThat(seen).startsWith("GET /?\n").contains("X-Forwarded-For: 1.2.3.4, 127.0.0.1\n");
  }

  @Test
  void passesBodiesBothWays() throws IOException {
    String body = "x".repeat(3_000_000);
    RawClient.Response response =
        proxy.request(
            head("POST", prefix() + "/echo", "Content-Length: " + body.length() + "\r\n") + body);

    assertThat(response.status()).isEqualTo(201);
    assertThat(response.header("x-target")).isEqualTo("yes");
    assertThat(response.body()).isEqualTo(body);
  }

  @Test
  void passesChunkedBodies() throws IOException {
    RawClient.Response response =
        proxy.request(
            head("POST", prefix() + "/echo", "Transfer-Encoding: chunked\r\n")
                + "3\r\nabc\r\n0\r\n\r\n");

    assertThat(response.body()).isEqualTo("abc");
  }

  @Test
  void passesAnAnswerThatComesBeforeTheBody() throws IOException {
    RawClient.Response response =
        proxy.request(
            head("POST", prefix() + "/early", "Content-Length: 900000\r\n") + "x".repeat(900_000));

    assertThat(response.body()).isEqualTo("early");
  }

  @Test
  void answersHeadWithoutABody() throws IOException {
    try (RawClient client = proxy.connect()) {
      RawClient.Response head = client.send(head("HEAD", prefix() + "/early", "")).receiveHead();

      assertThat(head.header("content-length")).isEqualTo("5");
      assertThat(client.send(head("GET", "/ping", "")).receive().status()).isEqualTo(200);
    }
  }

  @Test
  void streamsWithoutDelay() throws IOException {
    try (RawClient client = proxy.connect()) {
      client.send(head("GET", prefix() + "/stream", "")).receiveHead();

      assertThat(client.readChunk()).isEqualTo("first");
      released.countDown();
      assertThat(client.readChunk()).isEqualTo("second");
      assertThat(client.readChunk()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void tunnelsWebSockets(boolean foreign) throws IOException {
    int port = foreign ? target.server().port() : proxy.server().port();
    try (RawClient client = proxy.connect()) {
      client.send(
          head(
              "GET",
              "/proxy/" + port + "/ws",
              "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
      RawClient.Response response = client.receiveHead();

      assertThat(response.status()).isEqualTo(101);
      assertThat(response.header("sec-websocket-accept")).isEqualTo("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
      client.send(new byte[] {(byte) 0x81, (byte) 0x82, 0, 0, 0, 0, 'h', 'i'});
      assertThat(client.readBytes(4)).isEqualTo(new byte[] {(byte) 0x81, 2, 'h', 'i'});
      client.send(new byte[] {(byte) 0x88, (byte) 0x80, 0, 0, 0, 0});
      assertThat(client.readBytes(4)).isEqualTo(new byte[] {(byte) 0x88, 2, 3, (byte) 0xe8});
      assertThat(client.isClosed()).isTrue();
    }
  }

  @Test
  void dispatchesItsOwnPortWithoutAHop() throws IOException {
    String own = "/proxy/" + proxy.server().port();

    assertThat(proxy.request(head("GET", own + "/ping", "")).header("content-length"))
        .isEqualTo("0");
    assertThat(proxy.request(head("GET", own + own + "/ping", "")).status()).isEqualTo(200);
    assertThat(proxy.request(head("GET", own + "/nope", "")).body())
        .isEqualTo("404 page not found");
    assertThat(proxy.request(head("GET", own.repeat(500) + "/ping", "")).status()).isEqualTo(200);
    assertThat(proxy.request(head("POST", own + "/echo", "Content-Length: 2\r\n") + "hi").body())
        .isEqualTo("hi");
    assertThat(proxy.get(own + "/ping").status()).isEqualTo(401);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /proxy/%d/ HTTP/1.1\r\nHost: x\r\nX-EXECD-ACCESS-TOKEN: secret\r\n\r\n",
        "POST /proxy/%d/ HTTP/1.1\r\n"
            + "Host: x\r\n"
            + "X-EXECD-ACCESS-TOKEN: secret\r\n"
            + "Content-Length: 2\r\n\r\n"
            + "hi"
      })
  void tellsASilentTargetThatTheClientHasLeft(String request) throws Exception {
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      RawClient client = proxy.connect();
      client.send(request.formatted(silent.getLocalPort()));
      try (Socket target = silent.accept()) {
        client.close();

        target.setSoTimeout(60_000);
        assertThat(target.getInputStream().readAllBytes()).isNotEmpty(); // and then the end
      }
    }
  }

  @Test
  void servesTheNextRequestAfterOneThatWasWatched() throws IOException {
    try (RawClient client = proxy.connect()) {
      for (int i = 0; i < 3; i++) {
        client.send(
            "GET /proxy/"
                + target.server().port()
                + "/ HTTP/1.1\r\nHost: x\r\nX-EXECD-ACCESS-TOKEN: secret\r\n\r\n");
        assertThat(client.receive().status()).isEqualTo(200);
      }
    }
  }

  @Test
  void answersBadGatewayWhenNobodyListens() throws IOException {
    try (Socket deaf = new Socket()) {
      deaf.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)); // and never listens
      int port = deaf.getLocalPort();

      RawClient.Response response = proxy.request(head("GET", "/proxy/" + port + "/", ""));

      assertThat(response.status()).isEqualTo(502);
      assertThat(response.body()).contains("\"code\":\"BAD_GATEWAY\"").contains("port " + port);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "65536", "x", "-1", "99999999999", "80a"})
  void answersBadGatewayForWhatIsNoPort(String port) throws IOException {
    assertThat(proxy.request(head("GET", "/proxy/" + port + "/", "")).status()).isEqualTo(502);
  }

  @Test
  void answersPathsWithoutAPort() throws IOException {
    assertThat(proxy.request(head("GET", "/proxy/", "")).body()).isEqualTo("port is required");
    assertThat(proxy.request(head("GET", "/proxy", "")).status()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      })
  void cutsTheAnswerWhenTheTargetBreaksOff(String answer) throws Exception {
    try (ServerSocket broken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> answerOnce(broken, answer));
      try (RawClient client = proxy.connect()) {
        client.send(head("GET", "/proxy/" + broken.getLocalPort() + "/", ""));

        assertThat(client.readToEnd())
            .doesNotEndWith("0\r\n\r\n")
            .doesNotContain("10\r\n\r\nshort12345");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "SSH-2.0-x\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nbroken\r\n\r\n"})
  void answersBadGatewayForWhatIsNoAnswer(String answer) throws Exception {
    try (ServerSocket broken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> answerOnce(broken, answer));

      assertThat(proxy.request(head("GET", "/proxy/" + broken.getLocalPort() + "/", "")).status())
          .isEqualTo(502);
    }
  }

  private static void answerOnce(ServerSocket server, String answer) {
    try (Socket socket = server.accept()) {
      socket.getInputStream().read(new byte[4096]);
      socket.getOutputStream().write(bytes(answer));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
