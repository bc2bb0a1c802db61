package io.opensandbox.server.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class ProxyStreamTest {
  private static final String EVENTS =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  private static final String UNTIL_CLOSE =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

  @Test
  void eachEventArrivesBeforeTheNextIsWritten() throws Exception {
    var next = new SynchronousQueue<String>();
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(EVENTS);
              for (var event = next.take(); !event.isEmpty(); event = next.take()) {
                peer.send(Integer.toHexString(event.length()) + "\r\n" + event + "\r\n");
              }
              peer.send("0\r\n\r\n");
            });
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      send(client, "GET /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n");
      var head = RawHttp.readHead(client.getInputStream());

      assertThat(head).as("came before any event").startsWith("HTTP/1.1 200 ");
      for (int i = 0; i < 50; i++) {
        var event = "data: " + i + "\n\n";
        next.put(event);
        assertThat(RawHttp.nextChunk(client.getInputStream())).isEqualTo(event);
      }
      next.put("");
      assertThat(RawHttp.nextChunk(client.getInputStream())).isEmpty();
    }
  }

  @Test
  void silentStreamsOutliveTheConnectionsIdleLimit() throws Exception {
    var last = new CountDownLatch(1);
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(EVENTS);
              last.await();
              peer.send("2\r\nhi\r\n0\r\n\r\n");
            });
        var proxy = new ProxyFixture(ProxyFixture.PATIENCE, Duration.ofMillis(200)).to(upstream);
        var client = proxy.connect()) {
      send(client, "GET /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n");
      var head = RawHttp.readHead(client.getInputStream());
      client.setSoTimeout(1000);
      assertThat(isSilent(client)).isTrue();
      last.countDown();

      assertThat(head).startsWith("HTTP/1.1 200 ");
      assertThat(RawHttp.readLine(client.getInputStream())).isEqualTo("2");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {EVENTS, UNTIL_CLOSE, ""})
  void clientThatGoesAwayEndsASilentRequest(String response) throws Exception {
    var started = new CountDownLatch(1);
    var ended = new CountDownLatch(1);
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(response);
              started.countDown();
              peer.awaitEnd();
              ended.countDown();
            });
        var proxy = new ProxyFixture().to(upstream)) {
      try (var client = proxy.connect()) {
        send(client, "GET /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n");
        assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
      }

      assertThat(ended.await(60, TimeUnit.SECONDS)).as("the sandbox saw the end").isTrue();
      assertThat(upstream.faults).isEmpty();
    }
  }

  @Test
  void clientThatGoesAwayInTheMiddleOfAnUploadEndsIt() throws Exception {
    var ended = new CountDownLatch(1);
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              assertThat(peer.in.readNBytes(5)).asString().isEqualTo("hello");
              peer.awaitEnd();
              ended.countDown();
            });
        var proxy = new ProxyFixture().to(upstream)) {
      try (var client = proxy.connect()) {
        send(
            client,
            "PUT /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhello");
        upstream.nextHead();
      }

      assertThat(ended.await(60, TimeUnit.SECONDS)).as("the sandbox saw the end").isTrue();
      assertThat(upstream.faults).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        EVENTS + "5\r\nhel",
        EVENTS + "5\r\nhello\r\n",
        EVENTS + "5\r\nhello!\r\n",
      })
  void cutResponsesAreCutForTheClientToo(String response) throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(response);
            });
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      send(client, "GET /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
      var all = received(client);

      assertThat(all.isEmpty() || !all.endsWith("0\r\n\r\n")).isTrue();
      assertThat(all).doesNotContain("hello!");
      if (all.startsWith("HTTP/1.1 200")) {
        assertThat(all)
            .as("a head by which the client knows that something is missing")
            .containsAnyOf("Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n");
      }
    }
  }

  @Test
  void nothingInChunksStaysThat() throws Exception {
    try (var upstream =
            RawUpstream.answering(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        var proxy = new ProxyFixture().to(upstream)) {
      var answer = proxy.get("/sandboxes/sb/proxy/80/");

      assertThat(answer.text()).isEmpty();
      assertThat(answer.headers("content-length")).isEmpty();
      assertThat(answer.headers("transfer-encoding")).containsExactly("chunked");
    }
  }

  @Test
  void oldClientsGetNoChunks() throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(EVENTS + "5\r\nhello\r\n");
              peer.send("0\r\n\r\n");
            });
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      send(client, "GET /sandboxes/sb/proxy/80/ HTTP/1.0\r\nHost: h\r\n\r\n");

      assertThat(received(client)).doesNotContain("chunked").endsWith("\r\n\r\nhello");
    }
  }

  @Test
  void answersBeforeTheUploadEndsAreDelivered() throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(
                  "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
            });
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      send(
          client,
          "POST /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
      var uploaded = new CountDownLatch(1);
      Thread.ofVirtual().start(() -> uploadUntilRefused(client, uploaded));
      var answer = RawHttp.readAnswer(client.getInputStream());

      assertThat(answer.status()).isEqualTo(413);
      assertThat(answer.text()).isEqualTo("big");
      client.shutdownOutput();
      assertThat(uploaded.await(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void bothDirectionsFlowAtOnce() throws Exception {
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(UNTIL_CLOSE);
              for (var size = RawHttp.readLine(peer.in);
                  !size.equals("0");
                  size = RawHttp.readLine(peer.in)) {
                peer.out.write(peer.in.readNBytes(Integer.parseInt(size, 16)));
                RawHttp.readLine(peer.in);
              }
            });
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      send(
          client,
          "POST /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
      RawHttp.readHead(client.getInputStream());
      for (int i = 0; i < 20; i++) {
        send(client, "4\r\nping\r\n");
        assertThat(RawHttp.nextChunk(client.getInputStream())).isEqualTo("ping");
      }
      send(client, "0\r\n\r\n");

      assertThat(RawHttp.nextChunk(client.getInputStream())).isEmpty();
    }
  }

  @Test
  void slowReaderSlowsTheSandboxDown() throws Exception {
    var written = new AtomicLong();
    long total = 256L << 20;
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + total + "\r\n\r\n");
              byte[] block = new byte[64 * 1024];
              while (written.get() < total) {
                peer.out.write(block);
                written.addAndGet(block.length);
              }
            });
        var proxy = new ProxyFixture(ProxyFixture.PATIENCE, Duration.ofMillis(200)).to(upstream);
        var client = proxy.connect()) {
      send(client, "GET /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n");
      RawHttp.readHead(client.getInputStream());
      long before = untilSteady(written);
      long read = client.getInputStream().skip(total);
      while (read < total) {
        read += client.getInputStream().readNBytes((int) Math.min(1 << 20, total - read)).length;
      }

      assertThat(before).as("bytes taken while nobody read").isLessThan(64L << 20);
      assertThat(read).isEqualTo(total);
    }
  }

  @Test
  void largeBodiesPassUnchangedInBothDirections() throws Exception {
    byte[] block = new byte[1 << 20];
    new Random(7).nextBytes(block);
    int blocks = 64;
    var uploaded = new CRC32();
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              for (int i = 0; i < blocks; i++) {
                uploaded.update(peer.in.readNBytes(block.length));
              }
              peer.send(EVENTS);
              for (int i = 0; i < blocks; i++) {
                peer.send(Integer.toHexString(block.length) + "\r\n");
                peer.out.write(block);
                peer.send("\r\n");
              }
              peer.send("0\r\n\r\n");
            });
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      send(
          client,
          "PUT /sandboxes/sb/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: "
              + (long) blocks * block.length
              + "\r\n\r\n");
      for (int i = 0; i < blocks; i++) {
        client.getOutputStream().write(block);
      }
      var answer = RawHttp.readAnswer(client.getInputStream());

      var wanted = new CRC32();
      for (int i = 0; i < blocks; i++) {
        wanted.update(block);
      }
      var downloaded = new CRC32();
      downloaded.update(answer.text().getBytes(StandardCharsets.ISO_8859_1));
      assertThat(uploaded.getValue()).isEqualTo(wanted.getValue());
      assertThat(downloaded.getValue()).isEqualTo(wanted.getValue());
    }
  }

  @Test
  void pipelinedRequestsAreAnsweredInOrder() throws Exception {
    var proceed = new CountDownLatch(1);
    try (var upstream =
            new RawUpstream(peer -> {
              for (var head = peer.head(); !head.isEmpty(); head = peer.head()) {
                if (head.startsWith("GET /1")) {
                  peer.send(EVENTS);
                  proceed.await();
                  peer.send("1\r\n1\r\n0\r\n\r\n");
                } else {
                  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + head.charAt(5));
                }
              }
            });
        var proxy = new ProxyFixture().to(upstream);
        var client = proxy.connect()) {
      send(client, "GET /sandboxes/sb/proxy/80/1 HTTP/1.1\r\nHost: h\r\n\r\n");
      var first = RawHttp.readHead(client.getInputStream());
      send(client, "GET /sandboxes/sb/proxy/80/2 HTTP/1.1\r\nHost: h\r\n\r\n");
      send(client, "GET /sandboxes/sb/proxy/80/3 HTTP/1.1\r\nHost: h\r\n\r\n");
      proceed.countDown();

      assertThat(RawHttp.readBody(first, client.getInputStream())).asString().isEqualTo("1");
      assertThat(RawHttp.readAnswer(client.getInputStream()).text()).isEqualTo("2");
      assertThat(RawHttp.readAnswer(client.getInputStream()).text()).isEqualTo("3");
    }
  }

  @Test
  void manyStreamsAtOnce() throws Exception {
    int streams = 300;
    var open = new CountDownLatch(streams);
    try (var upstream =
            new RawUpstream(peer -> {
              peer.head();
              peer.send(EVENTS);
              open.countDown();
              open.await();
              peer.send("4\r\ndone\r\n0\r\n\r\n");
            });
        var proxy = new ProxyFixture().to(upstream);
        var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      var answers = new java.util.ArrayList<java.util.concurrent.Future<RawHttp.Answer>>();
      for (int i = 0; i < streams; i++) {
        answers.add(tasks.submit(() -> proxy.get("/sandboxes/sb/proxy/80/")));
      }

      for (var answer : answers) {
        assertThat(answer.get().text()).isEqualTo("done");
      }
    }
  }

  private static void send(Socket client, String text) throws IOException {
    client.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static boolean isSilent(Socket client) throws IOException {
    try {
      return client.getInputStream().read() == Integer.MIN_VALUE;
    } catch (java.net.SocketTimeoutException _) {
      return true;
    } finally {
      client.setSoTimeout(60_000);
    }
  }

  private static String received(Socket client) {
    var all = new StringBuilder();
    try {
      for (int b = client.getInputStream().read(); b >= 0; b = client.getInputStream().read()) {
        all.append((char) b);
      }
    } catch (IOException _) {
      all.append("(reset)");
    }
    return all.toString();
  }

  private static void uploadUntilRefused(Socket client, CountDownLatch uploaded) {
    try {
      byte[] block = new byte[1 << 16];
      for (int i = 0; i < 100_000_000 / block.length; i++) {
        client.getOutputStream().write(block);
      }
    } catch (IOException _) {
      // the proxy does not take it all, and need not
    } finally {
      uploaded.countDown();
    }
  }

  /// The counter's value once it has stopped rising for half a second.
  private static long untilSteady(AtomicLong counter) throws InterruptedException {
    var never = new CountDownLatch(1);
    long last = -1;
    while (last != counter.get()) {
      last = counter.get();
      assertThat(never.await(500, TimeUnit.MILLISECONDS)).isFalse();
    }
    return last;
  }
}
