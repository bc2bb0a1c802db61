package io.opensandbox.server.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A request that two readers understand differently must not become two requests, and nothing a
/// client writes may end up as a header that it did not send.
@Timeout(120)
class ProxySmugglingTest {
  private static final String SMUGGLED =
      "GET /sandboxes/sb/proxy/80/smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
  private static final String SIMPLE = "GET /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\n";
  private static final String POST = "POST /sandboxes/sb/proxy/80/front HTTP/1.1\r\nHost: h\r\n";

  /// Heads and bodies whose length is in doubt; each carries a whole request inside its body.
  static Stream<String> ambiguous() {
    return Stream.of(
        POST + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        POST + "Content-Length: 0\r\nContent-Length: " + SMUGGLED.length() + "\r\n\r\n",
        POST + "Content-Length: 0, " + SMUGGLED.length() + "\r\n\r\n",
        POST + "Content-Length: +0\r\n\r\n",
        POST + "Content-Length: -1\r\n\r\n",
        POST + "Content-Length: 0x0\r\n\r\n",
        POST + "Content-Length: 0 0\r\n\r\n",
        POST + "Content-Length: 99999999999999999999\r\n\r\n",
        POST + "Content-Length : 0\r\n\r\n",
        POST + "Content-Length\t: 0\r\n\r\n",
        POST + "Transfer-Encoding: xchunked\r\n\r\n",
        POST + "Transfer-Encoding: chunked, identity\r\n\r\n",
        POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        POST + "Transfer-Encoding: \u000bchunked\r\n\r\n0\r\n\r\n",
        POST + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        POST + "X: y\r\n Content-Length: 0\r\n\r\n",
        POST + " X: y\r\n\r\n",
        POST + "X\r\nContent-Length: 0\r\n\r\n",
        POST + "X: a\rContent-Length: 5\r\n\r\n",
        POST + "X: a\0b\r\n\r\n",
        POST + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
        POST + "Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n",
        POST + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        POST + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
        "POST /sandboxes/sb/proxy/80/front HTTP/1.1\r\nHost: h\r\nHost: i\r\nContent-Length: 0\r\n\r\n",
        "POST /sandboxes/sb/proxy/80/front HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "POST /sandboxes/sb/proxy/80/front HTTP/1.1 x\r\nHost: h\r\n\r\n",
        "POST /sandboxes/sb/proxy/80/front\r\nHost: h\r\n\r\n",
        "POST /sandboxes/sb/proxy/80/fr ont HTTP/1.1\r\nHost: h\r\n\r\n");
  }

  @ParameterizedTest
  @MethodSource("ambiguous")
  void requestsOfDoubtfulLengthAreRefusedAndTheConnectionClosed(String attack) throws Exception {
    try (var upstream = RawUpstream.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      client.getOutputStream().write((attack + SMUGGLED).getBytes(StandardCharsets.ISO_8859_1));
      var received = untilEnd(client);

      assertThat(upstream.heads).noneMatch(head -> head.contains("smuggled"));
      assertThat(received).matches("(?s)HTTP/1\\.1 (4..|505) .*").doesNotContain("HTTP/1.1 200");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/sandboxes/sb/proxy/80/a%0d%0aX-Evil:%201%0d%0a",
        "/sandboxes/sb/proxy/80/a?b%0d%0aX-Evil:%201%0d%0a%0d%0aGET%20/smuggled",
        "/sandboxes/sb%0d%0aX-Evil:%201/proxy/80/",
        "/sandboxes/sb/proxy/80%0d%0aX-Evil:%201/",
      })
  void encodedLineBreaksStayEncoded(String path) throws Exception {
    try (var upstream = RawUpstream.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        var proxy = new ProxyFixture().to(upstream)) {
      var answer = proxy.get(path);

      assertThat(answer.headers("x-evil")).isEmpty();
      assertThat(upstream.heads)
          .allMatch(head -> RawHttp.headers(head, "x-evil").isEmpty())
          .noneMatch(head -> head.startsWith("GET /smuggled"));
    }
  }

  @Test
  void pipelinedRequestsInOneSegmentAreTwoRequests() throws Exception {
    try (var upstream = RawUpstream.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      client
          .getOutputStream()
          .write(
              (POST + "Content-Length: 3\r\n\r\nabc" + SMUGGLED)
                  .getBytes(StandardCharsets.US_ASCII));

      assertThat(RawHttp.readAnswer(client.getInputStream()).text()).isEqualTo("ok");
      assertThat(RawHttp.readAnswer(client.getInputStream()).text()).isEqualTo("ok");
      assertThat(upstream.nextHead()).startsWith("POST /front HTTP/1.1\r\n");
      assertThat(upstream.nextHead()).startsWith("GET /smuggled HTTP/1.1\r\n");
    }
  }

  @Test
  void headersLargerThanTheLimitAreRefused() throws Exception {
    try (var upstream = RawUpstream.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        var proxy = new ProxyFixture().to(upstream)) {
      var answer = proxy.get("/sandboxes/sb/proxy/80/", "X: " + "y".repeat(100_000));

      assertThat(answer.status()).isEqualTo(431);
      assertThat(upstream.heads).isEmpty();
    }
  }

  @Test
  void mangledRequestsNeverMangleWhatTheSandboxSees() throws Exception {
    var malformed = new ConcurrentLinkedQueue<String>();
    try (var upstream = new RawUpstream(peer -> serveStrictly(peer, malformed));
        var proxy = new ProxyFixture().to(upstream)) {
      for (int round = 0; round < 1500; round++) {
        var random = new Random(round);
        try (var client = proxy.connect()) {
          byte[] bytes = mangle(wellFormed(random), random);
          writeInPieces(client, bytes, random);
          client.shutdownOutput();
          untilEnd(client);
        }
      }

      assertThat(malformed).isEmpty();
      assertThat(proxy.get("/sandboxes/sb/proxy/80/ping").text()).isEqualTo("0");
    }
  }

  @Test
  void mangledResponsesAreAnsweredOrCut() throws Exception {
    var random = new Random(43);
    var responses =
        List.of(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
            RawHttp.crlf(
                """
                HTTP/1.1 200 OK
                Transfer-Encoding: chunked
                X: y

                5
                hello
                3;a=b
                abc
                0

                """),
            RawHttp.crlf(
                """
                HTTP/1.1 204 No Content
                Set-Cookie: a=b
                Set-Cookie: c=d

                """),
            "HTTP/1.0 200 OK\r\n\r\nuntil close");
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              byte[] bytes;
              synchronized (random) {
                bytes =
                    mangle(
                        responses
                            .get(random.nextInt(responses.size()))
                            .getBytes(StandardCharsets.ISO_8859_1),
                        random);
              }
              peer.out.write(bytes);
            });
        var proxy = new ProxyFixture().to(upstream)) {
      for (int round = 0; round < 1500; round++) {
        try (var client = proxy.connect()) {
          client
              .getOutputStream()
              .write((SIMPLE + "Connection: close\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
          var received = untilEnd(client);

          assertThat(received.isEmpty() || received.matches("(?s)HTTP/1\\.1 \\d{3}.*")).isTrue();
        }
      }
    }
  }

  /// Reads as strictly as can be: whatever is not a request, to the letter, is noted.
  private static void serveStrictly(RawUpstream.Peer peer, ConcurrentLinkedQueue<String> malformed)
      throws IOException {
    for (var head = RawHttp.readHead(peer.in); !head.isEmpty(); head = RawHttp.readHead(peer.in)) {
      boolean valid =
          head.matches(
              "(GET|POST|PUT|DELETE|PATCH) /[!-~\\x80-\\xFF]* HTTP/1\\.1\r\n"
                  + "([!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[^\\x00-\\x08\\x0A-\\x1F\\x7F]*\r\n)*\r\n");
      boolean oneLength =
          RawHttp.headers(head, "content-length").size()
                  + RawHttp.headers(head, "transfer-encoding").size()
              <= 1;
      if (!valid || !oneLength) {
        malformed.add(head);
        return;
      }
      int length = RawHttp.readBody(head, peer.in).length;
      var text = Integer.toString(length);
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + text.length() + "\r\n\r\n" + text);
    }
  }

  private static byte[] wellFormed(Random random) {
    var requests =
        List.of(
            SIMPLE + "Accept: */*\r\n\r\n",
            POST + "Content-Length: 5\r\n\r\nhello",
            POST + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "DELETE /v1/sandboxes/sb/proxy/80/ HTTP/1.1\r\n"
                + "Host: h\r\nConnection: x, y\r\nx: 1\r\n\r\n");
    var picked = new ArrayList<String>();
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      picked.add(requests.get(random.nextInt(requests.size())));
    }
    return String.join("", picked).getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] mangle(byte[] bytes, Random random) {
    var special = "\r\n\0 :;,\t\u0080%0-".getBytes(StandardCharsets.ISO_8859_1);
    var out = new ByteArrayOutputStream();
    for (byte b : bytes) {
      switch (random.nextInt(120)) {
        case 0 -> {}
        case 1 -> out.write(special[random.nextInt(special.length)]);
        case 2 -> {
          out.write(b);
          out.write(b);
        }
        case 3 -> out.write(random.nextInt(256));
        default -> out.write(b);
      }
    }
    byte[] mangled = out.toByteArray();
    return random.nextInt(8) == 0
        ? java.util.Arrays.copyOf(mangled, random.nextInt(mangled.length + 1))
        : mangled;
  }

  private static void writeInPieces(Socket client, byte[] bytes, Random random) {
    try {
      int from = 0;
      while (from < bytes.length) {
        int to = Math.min(bytes.length, from + 1 + random.nextInt(bytes.length));
        client.getOutputStream().write(bytes, from, to - from);
        from = to;
      }
    } catch (IOException _) {
      // refused before it was all written
    }
  }

  /// What comes until the server ends the connection.
  private static String untilEnd(Socket client) {
    var all = new ByteArrayOutputStream();
    try {
      client.getInputStream().transferTo(all);
    } catch (java.net.SocketTimeoutException fault) {
      throw new AssertionError("the server neither answers nor closes: " + all, fault);
    } catch (IOException _) {
      // reset, which is an end too
    }
    return all.toString(StandardCharsets.ISO_8859_1);
  }
}
