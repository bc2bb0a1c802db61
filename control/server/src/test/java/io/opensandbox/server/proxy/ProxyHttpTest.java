package io.opensandbox.server.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class ProxyHttpTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  @ParameterizedTest
  @CsvSource({
    "/sandboxes/sb/proxy/80, /",
    "/v1/sandboxes/sb/proxy/80, /",
    "/sandboxes/sb/proxy/80/, /",
    "/sandboxes/sb/proxy/80//a//b, /a//b",
    "/sandboxes/sb/proxy/80/a%2Fb, /a%2Fb",
    "/sandboxes/sb/proxy/80/a%20b?x=a%20b&flag&y=%2B+1, /a%20b?x=a%20b&flag&y=%2B+1",
    "/sandboxes/sb/proxy/80/p;v=1/%7Euser/%c3%a4, /p;v=1/%7Euser/%c3%a4",
    "/sandboxes/sb/proxy/80?q, /?q",
    "/sandboxes/sb/proxy/80/a/../b, /a/../b",
    "/sandboxes/sb/proxy/80/a/%2e%2e/b, /a/%2e%2e/b",
    "/sandboxes/s%62/proxy/8%30/x, /x",
    "/sandboxes/sb/proxy/80/http://h/?u=http://x/?y, /http://h/?u=http://x/?y",
  })
  void sendsPathAndQueryAsTheyCame(String sent, String wanted) throws Exception {
    try (var upstream = RawUpstream.answering(OK);
        var proxy = new ProxyFixture().to(upstream)) {
      var answer = proxy.get(sent);

      assertThat(answer.text()).isEqualTo("ok");
      assertThat(upstream.nextHead()).startsWith("GET " + wanted + " HTTP/1.1\r\n");
    }
  }

  @Test
  void rawUtf8StaysAndOtherBytesAreRefused() throws Exception {
    try (var upstream = RawUpstream.answering(OK);
        var proxy = new ProxyFixture().to(upstream)) {
      var utf8 = proxy.get("/sandboxes/sb/proxy/80/\u00c3\u00a4?\u00c3\u00b6");
      var latin = proxy.get("/sandboxes/sb/proxy/80/\u00e4x");

      assertThat(utf8.text()).isEqualTo("ok");
      assertThat(upstream.nextHead()).startsWith("GET /\u00c3\u00a4?\u00c3\u00b6 HTTP/1.1\r\n");
      assertThat(latin.status()).isEqualTo(400);
      assertThat(upstream.heads).isEmpty();
    }
  }

  @Test
  void prefixesThePathOfTheAddress() throws Exception {
    try (var upstream = RawUpstream.answering(OK);
        var proxy = new ProxyFixture().to(upstream.authority(), "/proxy/3000", Map.of())) {
      proxy.get("/sandboxes/sb/proxy/3000");
      proxy.get("/sandboxes/sb/proxy/3000/x?y");

      assertThat(upstream.nextHead()).startsWith("GET /proxy/3000/ HTTP/1.1\r\n");
      assertThat(upstream.nextHead()).startsWith("GET /proxy/3000/x?y HTTP/1.1\r\n");
    }
  }

  @Test
  void addsNothingButWhereTheRequestCameFrom() throws Exception {
    try (var upstream = RawUpstream.answering(OK);
        var proxy = new ProxyFixture().to(upstream)) {
      proxy.get("/sandboxes/sb/proxy/80/");

      assertThat(upstream.nextHead())
          .isEqualTo(
              "GET / HTTP/1.1\r\nHost: "
                  + upstream.authority()
                  + "\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
                  + "X-Forwarded-For: 127.0.0.1\r\n\r\n");
    }
  }

  @Test
  void dropsHopByHopNamedAndSensitiveHeaders() throws Exception {
    try (var upstream = RawUpstream.answering(OK);
        var proxy = new ProxyFixture().to(upstream)) {
      proxy.get(
          "/sandboxes/sb/proxy/80/",
          "Connection: keep-alive, X-Named, x-forwarded-for",
          "X-Named: 1",
          "X-Forwarded-For: 6.6.6.6",
          "X-Forwarded-Host: theirs",
          "Keep-Alive: 5",
          "Proxy-Authorization: p",
          "TE: trailers",
          "Trailer: t",
          "Authorization: Bearer secret",
          "Cookie: c=1",
          "Open-Sandbox-Api-Key: key",
          "OpenSandbox-Secure-Access: mine",
          "X-Multi: 1",
          "X-Multi: 2",
          "X-Latin: \u00e4");

      var head = upstream.nextHead();
      assertThat(head)
          .isEqualTo(
              "GET / HTTP/1.1\r\nHost: "
                  + upstream.authority()
                  + "\r\nX-Forwarded-Host: theirs\r\nOpenSandbox-Secure-Access: mine\r\n"
                  + "X-Multi: 1\r\nX-Multi: 2\r\nX-Latin: \u00e4\r\n"
                  + "X-Forwarded-Proto: http\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n");
    }
  }

  @Test
  void endpointHeadersOverrideTheClientsButTokensAreNeverInjected() throws Exception {
    var headers =
        Map.of(
            "OpenSandbox-Ingress-To", "sb-80",
            "OpenSandbox-Secure-Access", "server-token",
            "OPENSANDBOX-EGRESS-AUTH", "server-token");
    try (var upstream = RawUpstream.answering(OK);
        var proxy = new ProxyFixture().to(upstream.authority(), "", headers)) {
      proxy.get(
          "/sandboxes/sb/proxy/80/",
          "opensandbox-ingress-to: forged",
          "OpenSandbox-Egress-Auth: client-token");

      var head = upstream.nextHead();
      assertThat(RawHttp.headers(head, "opensandbox-ingress-to")).containsExactly("sb-80");
      assertThat(RawHttp.headers(head, "opensandbox-egress-auth")).containsExactly("client-token");
      assertThat(RawHttp.headers(head, "opensandbox-secure-access")).isEmpty();
    }
  }

  @Test
  void keepsRepeatedResponseHeadersApartAndStoresNoCookies() throws Exception {
    try (var upstream =
            RawUpstream.answering(
                RawHttp.crlf(
                    """
                    HTTP/1.1 299 Odd
                    Set-Cookie: a=1
                    Set-Cookie: b=2
                    X-R: 1
                    X-R: 2
                    Date: then
                    Server: theirs
                    X-Request-ID: theirs
                    X-Hop: 1
                    Connection: X-Hop
                    Content-Encoding: gzip
                    Content-Length: 2

                    ok\
                    """));
        var proxy = new ProxyFixture().to(upstream)) {
      var answer = proxy.get("/sandboxes/sb/proxy/80/", "X-Request-ID:  mine ");
      proxy.get("/sandboxes/sb/proxy/80/");

      assertThat(answer.status()).isEqualTo(299);
      assertThat(answer.headers("set-cookie")).containsExactly("a=1", "b=2");
      assertThat(answer.headers("x-r")).containsExactly("1", "2");
      assertThat(answer.headers("date")).containsExactly("then");
      assertThat(answer.headers("server")).containsExactly("theirs");
      assertThat(answer.headers("x-request-id")).containsExactly("mine");
      assertThat(answer.headers("x-hop")).isEmpty();
      assertThat(answer.headers("content-encoding")).containsExactly("gzip");
      upstream.nextHead();
      assertThat(RawHttp.headers(upstream.nextHead(), "cookie")).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "PATCH", "DELETE"})
  void forwardsBodiesWithTheirLength(String method) throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              var head = peer.head();
              var body = new String(RawHttp.readBody(head, peer.in), StandardCharsets.UTF_8);
              peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
            });
        var proxy = new ProxyFixture().to(upstream)) {
      var answer =
          proxy.exchange(
              method
                  + " /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");

      assertThat(answer.text()).isEqualTo("hello");
      assertThat(RawHttp.headers(upstream.nextHead(), "content-length")).containsExactly("5");
    }
  }

  @Test
  void forwardsChunkedBodiesAndBodilessPostsAsChunked() throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              for (var head = peer.head(); !head.isEmpty(); head = peer.head()) {
                var body = new String(RawHttp.readBody(head, peer.in), StandardCharsets.UTF_8);
                peer.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
              }
            });
        var proxy = new ProxyFixture().to(upstream)) {
      var post = "POST /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\n";

      var chunked =
          proxy.exchange(
              post + "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
      var empty = proxy.exchange(post + "\r\n");

      assertThat(chunked.text()).isEqualTo("abcde");
      assertThat(empty.text()).isEmpty();
      assertThat(RawHttp.headers(upstream.nextHead(), "transfer-encoding"))
          .containsExactly("chunked");
      assertThat(RawHttp.headers(upstream.nextHead(), "transfer-encoding"))
          .containsExactly("chunked");
    }
  }

  @Test
  void getHasNoBodyForTheSandbox() throws Exception {
    try (var upstream = RawUpstream.answering(OK);
        var proxy = new ProxyFixture().to(upstream)) {
      var answer =
          proxy.exchange(
              "GET /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");

      assertThat(answer.text()).isEqualTo("ok");
      var head = upstream.nextHead();
      assertThat(RawHttp.headers(head, "content-length")).isEmpty();
      assertThat(RawHttp.headers(head, "transfer-encoding")).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"HEAD", "OPTIONS", "TRACE", "PROPFIND"})
  void otherMethodsAreNotAllowed(String method) throws Exception {
    try (var proxy = new ProxyFixture();
        var socket = proxy.connect()) {
      socket
          .getOutputStream()
          .write(
              (method + " /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      var head = RawHttp.readHead(socket.getInputStream());

      assertThat(head).startsWith("HTTP/1.1 405 ");
      assertThat(RawHttp.headers(head, "allow")).containsExactly("DELETE, GET, PATCH, POST, PUT");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "65536", "99999999999999999999", "abc", "-1", "1.5", "%20"})
  void portsOutOfRangeAreInvalid(String port) throws Exception {
    try (var proxy = new ProxyFixture()) {
      var answer = proxy.get("/sandboxes/sb/proxy/" + port + "/x");

      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.text())
          .startsWith("{\"code\":\"DOCKER::INVALID_PORT\",\"message\":\"port ");
    }
  }

  @Test
  void unknownSandboxIsNotFoundAndStillCountsAsAccess() throws Exception {
    try (var proxy = new ProxyFixture()) {
      var answer = proxy.get("/v1/sandboxes/nobody/proxy/80/x");

      assertThat(answer.status()).isEqualTo(404);
      assertThat(answer.headers("content-type")).containsExactly("application/json");
      assertThat(answer.headers("x-request-id").getFirst()).matches("[0-9a-f]{32}");
      assertThat(answer.text())
          .isEqualTo(
              "{\"code\":\"DOCKER::SANDBOX_NOT_FOUND\",\"message\":\"sandbox \\\"nobody\\\" not found\"}");
      assertThat(proxy.accessed).containsExactly("nobody");
    }
  }

  @Test
  void upgradeWithoutHandshakeIsRefused() throws Exception {
    try (var upstream = RawUpstream.answering(OK);
        var proxy = new ProxyFixture().to(upstream)) {
      var answer =
          proxy.exchange(
              RawHttp.crlf(
                  """
                  POST /sandboxes/sb/proxy/80/ HTTP/1.1
                  Host: h
                  Connection: upgrade
                  Upgrade: WebSocket
                  Content-Length: 0

                  """));

      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.text())
          .startsWith(
              "{\"code\":\"GENERAL::UNKNOWN_ERROR\",\"message\":\"Websocket upgrade is not supported yet");
    }
  }

  @Test
  void otherPathsAreNotOurs() throws Exception {
    try (var proxy = new ProxyFixture()) {
      assertThat(proxy.get("/v1/sandboxes/sb").status()).isEqualTo(418);
      assertThat(proxy.get("/v1/sandboxes/sb/proxy").status()).isEqualTo(418);
      assertThat(proxy.get("/v1/sandboxes/sb/proxy/").status()).isEqualTo(418);
      assertThat(proxy.get("/v2/sandboxes/sb/proxy/80").status()).isEqualTo(418);
    }
  }

  @Test
  void refusedConnectionIs502() throws Exception {
    try (var dead = ProxyFixture.deadPort();
        var proxy = new ProxyFixture().to("127.0.0.1:" + dead.getLocalPort(), "", Map.of())) {
      var answer = proxy.get("/sandboxes/sb/proxy/80/");

      assertThat(answer.status()).isEqualTo(502);
      assertThat(answer.text())
          .startsWith(
              "{\"code\":\"GENERAL::UNKNOWN_ERROR\",\"message\":\"Could not connect to the backend sandbox");
    }
  }

  @Test
  void silenceIs504() throws Exception {
    var done = new CountDownLatch(1);
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.awaitEnd();
              done.countDown();
            });
        var proxy = new ProxyFixture(Duration.ofMillis(300), ProxyFixture.PATIENCE).to(upstream)) {
      var answer = proxy.get("/sandboxes/sb/proxy/80/");

      assertThat(answer.status()).isEqualTo(504);
      assertThat(answer.text()).startsWith("{\"code\":\"GENERAL::UNKNOWN_ERROR\",");
      assertThat(done.await(60, TimeUnit.SECONDS)).as("upstream was closed").isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: 1"
      })
  void brokenResponsesAre502(String response) throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(response);
            });
        var proxy = new ProxyFixture().to(upstream)) {
      var answer = proxy.get("/sandboxes/sb/proxy/80/");

      assertThat(answer.status()).isEqualTo(502);
      assertThat(answer.text()).startsWith("{\"code\":\"GENERAL::UNKNOWN_ERROR\",");
    }
  }

  @Test
  void interimResponsesAreSkippedAndRedirectsReturned() throws Exception {
    try (var upstream =
            RawUpstream.answering(
                RawHttp.crlf(
                    """
                    HTTP/1.1 103 Early
                    Link: x

                    HTTP/1.1 302 Found
                    Location: /y
                    Content-Length: 0

                    """));
        var proxy = new ProxyFixture().to(upstream)) {
      var answer = proxy.get("/sandboxes/sb/proxy/80/");

      assertThat(answer.status()).isEqualTo(302);
      assertThat(answer.headers("location")).containsExactly("/y");
      assertThat(answer.headers("content-length")).containsExactly("0");
      assertThat(answer.headers("link")).isEmpty();
    }
  }

  @Test
  void reusesConnections() throws Exception {
    try (var upstream = RawUpstream.answering(OK);
        var proxy = new ProxyFixture().to(upstream)) {
      // A connection may be put back a moment after its answer was delivered.
      int requests = 0;
      while (upstream.connections.get() == requests) {
        assertThat(proxy.get("/sandboxes/sb/proxy/80/").text()).isEqualTo("ok");
        requests++;
      }

      assertThat(upstream.connections.get()).isLessThan(requests);
    }
  }

  @Test
  void survivesConnectionsThatTheSandboxClosedWhileTheyRested() throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(OK);
            });
        var proxy = new ProxyFixture().to(upstream)) {
      for (int i = 0; i < 20; i++) {
        assertThat(proxy.get("/sandboxes/sb/proxy/80/").text()).isEqualTo("ok");
      }
    }
  }

  @Test
  void bytesNobodyAskedForDoNotReachTheNextClient() throws Exception {
    try (var upstream =
            RawUpstream.answering(OK + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
        var proxy = new ProxyFixture().to(upstream)) {
      for (int i = 0; i < 5; i++) {
        assertThat(proxy.get("/sandboxes/sb/proxy/80/").text()).isEqualTo("ok");
      }
    }
  }
}
