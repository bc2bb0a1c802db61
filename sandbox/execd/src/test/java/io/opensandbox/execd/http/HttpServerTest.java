package io.opensandbox.execd.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class HttpServerTest {
  private final TestServer server = new TestServer(HttpServerTest::answer);

  @AfterEach
  void close() {
    server.close();
  }

  /// `/echo` gives the body back, `/empty` nothing, `/stream` three chunks, the rest fails somehow.
  private static void answer(Exchange exchange) throws IOException {
    switch (exchange.path()) {
      case "/echo" -> exchange.respond(200, "text/plain", exchange.readBody(1 << 20));
      case "/empty" -> exchange.respondEmpty(200);
      case "/ignore" -> exchange.respond(200, "text/plain", bytes("ignored"));
      case "/stream" -> stream(exchange);
      case "/small" -> exchange.respond(200, "text/plain", exchange.readBody(4));
      case "/code" -> throw new ExecdException(ErrorCode.FILE_NOT_FOUND, "no \"x\"");
      case "/cut" -> cut(exchange);
      default -> throw new IllegalStateException("secret detail");
    }
  }

  private static void stream(Exchange exchange) throws IOException {
    OutputStream out =
        exchange.startStream(
            200, Headers.of("Content-Type", "text/event-stream"), OptionalLong.empty());
    for (String word : new String[] {"one", "two", "three"}) {
      out.write(bytes(word));
      out.flush();
    }
  }

  private static void cut(Exchange exchange) throws IOException {
    OutputStream out = exchange.startStream(200, new Headers(), OptionalLong.empty());
    out.write(bytes("begin"));
    out.flush();
    throw new IllegalStateException("after the first byte");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void emptySuccessHasContentLengthZero() throws IOException {
    RawClient.Response response = server.get("/empty");

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.header("content-length")).isEqualTo("0");
  }

  @Test
  void observerIsNotToldOfUnrecordedRequests_butOfTheirFaults() throws Exception {
    var told = new LinkedBlockingQueue<String>();
    var observer =
        new HttpObserver() {
          @Override
          public void finished(Exchange exchange, String route, int status, long nanos) {
            told.add(exchange.path());
          }

          @Override
          public void failed(Exchange exchange, Throwable cause) {
            told.add("fault in " + exchange.path());
          }
        };
    try (TestServer watched = new TestServer(HttpServerTest::answer, HttpLimits.DEFAULT, observer);
        RawClient client = watched.connect()) {
      String unrecorded = " HTTP/1.1\r\nHost: x\r\n" + Unrecorded.HEADER + ": 1\r\n\r\n";
      client.send("GET /empty" + unrecorded).receive();
      client.send("GET /boom" + unrecorded).receive();
      client.send("GET /ignore HTTP/1.1\r\nHost: x\r\n\r\n").receive();

      assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo("fault in /boom");
      assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo("/ignore");
    }
  }

  @Test
  void answersPipelinedRequestsInOrder() throws IOException {
    try (RawClient client = server.connect()) {
      client.send(
          "POST /echo HTTP/1.1\r\n"
              + "Host: x\r\n"
              + "Content-Length: 3\r\n\r\n"
              + "abcPOST /echo HTTP/1.1\r\n"
              + "Host: x\r\n"
              + "Transfer-Encoding: chunked\r\n\r\n"
              + "2;x=y\r\n"
              + "de\r\n"
              + "1\r\n"
              + "f\r\n"
              + "0\r\n"
              + "T: v\r\n\r\n"
              + "GET /empty HTTP/1.1\r\n"
              + "Host: x\r\n\r\n");

      assertThat(client.receive().body()).isEqualTo("abc");
      assertThat(client.receive().body()).isEqualTo("def");
      assertThat(client.receive().header("content-length")).isEqualTo("0");
    }
  }

  @Test
  void acceptsARequestThatArrivesByteByByte() throws IOException {
    try (RawClient client = server.connect()) {
      for (byte b : bytes("\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")) {
        client.send(new byte[] {b});
      }

      assertThat(client.receive().body()).isEqualTo("abc");
    }
  }

  @Test
  void streamsInChunks() throws IOException {
    RawClient.Response response = server.get("/stream");

    assertThat(response.header("transfer-encoding")).isEqualTo("chunked");
    assertThat(response.body()).isEqualTo("onetwothree");
  }

  @Test
  void streamsToHttp10UntilClose() throws IOException {
    RawClient.Response response = server.request("GET /stream HTTP/1.0\r\n\r\n");

    assertThat(response.headers()).doesNotContainKey("transfer-encoding");
    assertThat(response.body()).isEqualTo("onetwothree");
  }

  @Test
  void asksToContinueBeforeReading() throws IOException {
    try (RawClient client = server.connect()) {
      client.send(
          "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");

      assertThat(client.receiveHead().status()).isEqualTo(100);
      assertThat(client.send("hi").receive().body()).isEqualTo("hi");
    }
  }

  @Test
  void closesWhenAnExpectedBodyIsNotWanted() throws IOException {
    try (RawClient client = server.connect()) {
      client.send(
          "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");

      assertThat(client.receive().body()).isEqualTo("ignored");
      assertThat(client.isClosed()).isTrue();
    }
  }

  @Test
  void dropsASmallUnreadBodyAndKeepsTheConnection() throws IOException {
    try (RawClient client = server.connect()) {
      client.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde");
      client.send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n");

      assertThat(client.receive().body()).isEqualTo("ignored");
      assertThat(client.receive().status()).isEqualTo(200);
    }
  }

  @Test
  void answersBeforeALargeBodyIsThroughAndCloses() throws IOException {
    try (RawClient client = server.connect()) {
      client.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n");
      client.send(new byte[300_000]);

      assertThat(client.receive().body()).isEqualTo("ignored");
      client.endSending();
      assertThat(client.isClosed()).isTrue();
    }
  }

  @Test
  void refusesABodyOverTheLimit() throws IOException {
    RawClient.Response sized = server.send("POST", "/small", "12345");
    RawClient.Response chunked =
        server.request(
            "POST /small HTTP/1.1\r\n"
                + "Host: x\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n"
                + "5\r\n"
                + "12345\r\n"
                + "0\r\n\r\n");

    assertThat(sized.status()).isEqualTo(413);
    assertThat(chunked.status()).isEqualTo(413);
    assertThat(chunked.body()).contains("\"code\":\"INVALID_REQUEST_BODY\"");
  }

  @Test
  void turnsACodeIntoTheEnvelope() throws IOException {
    RawClient.Response response = server.get("/code");

    assertThat(response.status()).isEqualTo(404);
    assertThat(response.header("content-type")).isEqualTo("application/json; charset=utf-8");
    assertThat(response.body())
        .isEqualTo("{\"code\":\"FILE_NOT_FOUND\",\"message\":\"no \\\"x\\\"\"}");
  }

  @Test
  void hidesAFaultOfOursAndStillServes() throws IOException {
    try (RawClient client = server.connect()) {
      client.send("GET /boom HTTP/1.1\r\nHost: x\r\nX-Request-ID: r-1\r\n\r\n");
      RawClient.Response response = client.receive();

      assertThat(response.status()).isEqualTo(500);
      assertThat(response.header("x-request-id")).isEqualTo("r-1");
      assertThat(response.body())
          .contains("RUNTIME_ERROR")
          .contains("r-1")
          .doesNotContain("secret");
      assertThat(server.failures()).hasSize(1);
      assertThat(client.send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n").receive().status())
          .isEqualTo(200);
    }
  }

  @Test
  void cutsAStreamThatFailsInTheMiddle() throws IOException {
    try (RawClient client = server.connect()) {
      client.send("GET /cut HTTP/1.1\r\nHost: x\r\n\r\n").receiveHead();

      assertThat(client.readToEnd()).isEqualTo("5\r\nbegin\r\n");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /empty HTTP/1.1\r\n\r\n",
        "GET /empty HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /empty HTTP/1.1\nHost: x\n\n\r\n\r\n",
        "GET  /empty HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /empty HTTP/2.0\r\nHost: x\r\n\r\n",
        "GET /empty\r\nHost: x\r\n\r\n",
        "GET empty HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /empty HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /empty HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "GET /empty HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
        "GET /empty HTTP/1.1\r\nHost: x\r\nA: b\0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "\u0016\u0003\u0001\u0002\u0000 TLS\r\n\r\n",
      })
  void refusesWhatCouldBeReadInTwoWays(String request) throws IOException {
    try (RawClient client = server.connect()) {
      RawClient.Response response = client.send(request).receive();

      assertThat(response.status()).isIn(400, 501, 505);
      assertThat(response.body()).startsWith("{\"code\":\"INVALID_REQUEST_BODY\",\"message\":\"");
      assertThat(response.header("connection")).isEqualTo("close");
      client.endSending();
      assertThat(client.isClosed()).isTrue();
    }
  }

  @Test
  void refusesAHeadOverTheLimit() throws IOException {
    RawClient.Response response =
        server.request("GET /" + "a".repeat(20_000) + " HTTP/1.1\r\nHost: x\r\n\r\n");

    assertThat(response.status()).isEqualTo(431);
  }

  @Test
  void cutsAClientThatDoesNotFinishItsHead() {
    HttpLimits limits =
        new HttpLimits(
            1024, 4, Duration.ofSeconds(20), Duration.ofMillis(50), Duration.ofSeconds(20), 1024);
    try (TestServer strict = new TestServer(HttpServerTest::answer, limits);
        RawClient client = strict.connect()) {
      client.send("GET /empty HT");

      assertThat(client.isClosed()).isTrue();
    }
  }

  @Test
  void acceptsAgainWhenAConnectionOfTheAllowedNumberCloses() throws IOException {
    HttpLimits limits =
        new HttpLimits(
            1024, 1, Duration.ofSeconds(20), Duration.ofSeconds(20), Duration.ofSeconds(20), 1024);
    try (TestServer small = new TestServer(HttpServerTest::answer, limits);
        RawClient second = takeTheOnlyPlace(small)) {
      assertThat(second.receive().status()).isEqualTo(200);
    }
  }

  private static RawClient takeTheOnlyPlace(TestServer small) throws IOException {
    try (RawClient first = small.connect()) {
      first.send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n").receive();
      return small.connect().send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n");
    }
  }

  @Test
  void retiresFromConnectionsThatWaitForAnotherRequest() throws IOException {
    try (TestServer kept = new TestServer(HttpServerTest::answer);
        RawClient client = kept.connect()) {
      client.send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n").receive();

      while (!kept.server().retire()) { // the request ends a moment after its response
        Thread.onSpinWait();
      }

      assertThat(client.isClosed()).isTrue();
      kept.server().resume();
      try (RawClient next = kept.connect()) {
        assertThat(next.send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n").receive().status())
            .isEqualTo(200);
      }
    }
  }

  @Test
  void doesNotRetireFromAConnectionWhoseFirstRequestIsStillToCome() throws IOException {
    try (TestServer kept = new TestServer(HttpServerTest::answer);
        RawClient client = kept.connect()) {
      while (kept.server().openConnections() == 0) {
        Thread.onSpinWait();
      }

      assertThat(kept.server().retire()).isFalse();
      assertThat(client.send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n").receive().status())
          .isEqualTo(200);
    }
  }

  @Test
  void countsConnectionsAndRequests() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    try (TestServer held =
            new TestServer(exchange -> {
              entered.countDown();
              awaitLatch(leave);
              exchange.respondEmpty(200);
            });
        RawClient client = held.connect()) {
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(entered.await(60, TimeUnit.SECONDS)).isTrue();

      assertThat(held.server().openConnections()).isEqualTo(1);
      assertThat(held.server().activeRequests()).isEqualTo(1);
      assertThat(held.server().idleTime()).isZero();

      leave.countDown();
      assertThat(client.receive().status()).isEqualTo(200);
    }
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void survivesRandomBytes() throws IOException {
    Random random = new Random(20260615);
    String[] pieces = {
      "GET ",
      "POST ",
      "/echo",
      "/empty",
      " HTTP/1.1",
      "\r\n",
      "\r\n\r\n",
      "Host: x",
      "Content-Length: ",
      "Transfer-Encoding: chunked",
      "5",
      "0",
      "a",
      "\0",
      "\n",
      ": ",
      "%",
      "é",
      "\t"
    };
    for (int round = 0; round < 300; round++) {
      StringBuilder bytes = new StringBuilder();
      int count = random.nextInt(20);
      for (int i = 0; i < count; i++) {
        bytes.append(pieces[random.nextInt(pieces.length)]);
      }
      try (RawClient client = server.connect()) {
        client.send(bytes.toString()).endSending();
        client.isClosed();
      }
    }

    assertThat(server.get("/empty").status()).isEqualTo(200);
    assertThat(server.failures()).isEmpty();
  }
}
