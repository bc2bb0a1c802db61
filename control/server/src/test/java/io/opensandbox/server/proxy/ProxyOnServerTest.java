package io.opensandbox.server.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.PortAddress;
import io.opensandbox.server.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The proxy in its place in the server: behind the front door and the key gate.
@Timeout(180)
class ProxyOnServerTest {
  private static final String KEY = "OPEN-SANDBOX-API-KEY: " + TestServer.KEY;
  private static final String HANDSHAKE =
      ProxyFixture.lines(
          "Host: h",
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");

  private static TestServer server;
  private static RawUpstream upstream;
  private static String id;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    server = TestServer.start(folder);
    upstream =
        RawUpstream.answering(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: theirs\r\n"
                + "X-Request-ID: theirs\r\nVary: Accept\r\n\r\nok");
    id = server.create();
    server.runtime().setAddress(id, 3000, new PortAddress(upstream.authority(), "", Map.of()));
  }

  @AfterAll
  static void stop() throws IOException {
    server.close();
    upstream.close();
  }

  @ParameterizedTest
  @CsvSource({
    "/sandboxes/ID/proxy/3000/a%2Fb?c=%20d, '', 200",
    "/v1/sandboxes/ID/proxy/3000, '', 200",
    "/v1/sandboxes/ID/proxy/3000/%ff, '', 200",
    "/v1/sandboxes/nobody/proxy/3000, '', 404",
    "/v1/sandboxes/ID/proxy/0, '', 400",
    "/v1/sandboxes/ID/proxy/70000/x, '', 400",
    "/v1/sandboxes/ID/proxy/abc, '', 401",
    "/v1/sandboxes/ID/proxy/abc, KEY, 400",
    "/v1/sandboxes/ID/proxy/3000/../x, '', 401",
    "/v1/sandboxes/ID/proxy/3000/%2e%2E/x, '', 401",
    "/v1/sandboxes/ID/proxy/3000/../x, KEY, 200",
    "/v1/sandboxes/ID, '', 401",
  })
  void needsAKeyOnlyWhereThePathIsNotExempt(String path, String key, int status) throws Exception {
    var answer = get(path.replace("ID", id), key.isEmpty() ? "X: y" : KEY);

    assertThat(answer.status()).as(answer.text()).isEqualTo(status);
    assertThat(answer.headers("x-request-id")).singleElement().asString().matches("[0-9a-f]{32}");
  }

  @Test
  void answersOfTheServerWinOverTheSandboxs() throws Exception {
    var answer = get("/sandboxes/" + id + "/proxy/3000", "Origin: http://o", "X-Request-ID: mine");
    var plain = get("/sandboxes/" + id + "/proxy/3000");

    assertThat(answer.headers("access-control-allow-origin")).containsExactly("http://o");
    assertThat(answer.headers("access-control-allow-credentials")).containsExactly("true");
    assertThat(String.join(",", answer.headers("vary"))).contains("Origin", "Accept");
    assertThat(answer.headers("x-request-id")).containsExactly("mine");
    assertThat(plain.headers("access-control-allow-origin")).containsExactly("theirs");
    assertThat(plain.headers("vary")).containsExactly("Accept");
  }

  @Test
  void preflightsAreAnsweredInFront() throws Exception {
    int before = upstream.heads.size();

    var answer =
        send(
            "OPTIONS /sandboxes/"
                + id
                + "/proxy/3000 HTTP/1.1\r\nHost: h\r\n"
                + ProxyFixture.lines("Origin: http://o", "Access-Control-Request-Method: PUT")
                + "\r\n");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.text()).isEqualTo("OK");
    assertThat(upstream.heads).hasSize(before);
  }

  @Test
  void bareUpgradeIsRefusedInTheEnvelope() throws Exception {
    var answer = get("/sandboxes/" + id + "/proxy/3000", "Upgrade: websocket");

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.headers("x-request-id")).singleElement().asString().matches("[0-9a-f]{32}");
    assertThat(answer.text())
        .startsWith(
            "{\"code\":\"GENERAL::UNKNOWN_ERROR\",\"message\":\"Websocket upgrade is not supported yet");
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/sandboxes/ID, 403",
    "/nothing, 403",
    "/sandboxes/ID/proxy/abc, 403",
    "/sandboxes/nobody/proxy/3000, 101",
  })
  void handshakesNeedNoKey(String path, int status) throws Exception {
    try (var socket = connect()) {
      write(socket, "GET " + path.replace("ID", id) + " HTTP/1.1\r\n" + HANDSHAKE + "\r\n");
      var head = RawHttp.readHead(socket.getInputStream());

      assertThat(head).startsWith("HTTP/1.1 " + status + " ");
    }
  }

  @Test
  void theEndpointThroughTheServerIsReached() throws Exception {
    var endpoint =
        server
            .send("GET", "/v1/sandboxes/" + id + "/endpoints/3000?use_server_proxy=true")
            .text("endpoint");

    assertThat(endpoint)
        .isEqualTo("127.0.0.1:" + server.port() + "/sandboxes/" + id + "/proxy/3000");
    assertThat(get(endpoint.substring(endpoint.indexOf('/'))).text()).isEqualTo("ok");
  }

  private static RawHttp.Answer get(String path, String... headers) throws IOException {
    return send("GET " + path + " HTTP/1.1\r\nHost: h\r\n" + ProxyFixture.lines(headers) + "\r\n");
  }

  private static RawHttp.Answer send(String request) throws IOException {
    try (var socket = connect()) {
      write(socket, request);
      return RawHttp.readAnswer(socket.getInputStream());
    }
  }

  private static Socket connect() throws IOException {
    var socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    socket.setSoTimeout(60_000);
    return socket;
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
  }
}
