package io.opensandbox.runtime.docker.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// HTTP to an engine that this test plays.
final class EngineTransportTest {
  private static final String VERSION =
      answer("200 OK", "{\"Os\":\"linux\",\"Arch\":\"amd64\",\"MinAPIVersion\":\"1.12\"}");

  @TempDir Path folder;

  private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final AtomicInteger connections = new AtomicInteger();
  private ServerSocketChannel listener;
  private Engine engine;

  @BeforeEach
  void listen() throws IOException {
    Path socket = folder.resolve("engine.sock");
    listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(socket));
    Thread.ofVirtual().start(this::accept);
    answers.add(VERSION);
    engine = Engine.open(new EngineAddress.Unix(socket), Duration.ofMillis(300));
  }

  @AfterEach
  void stop() throws IOException {
    engine.close();
    listener.close();
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
        String answer = answers.poll(5, TimeUnit.SECONDS);
        if (answer == null) {
          return;
        }
        boolean close = answer.endsWith("<close>");
        String text = close ? answer.substring(0, answer.length() - "<close>".length()) : answer;
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

  private static String answer(String status, String body) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
  }

  private static String chunked(String body) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
  }

  @Test
  void callsShareOneConnection() {
    answers.add(answer("200 OK", "{\"a\":1}"));
    answers.add(answer("204 No Content", ""));
    answers.add(answer("200 OK", "[2]\n"));

    JsonNode first = engine.get("/first");
    engine.delete("/second");
    JsonNode third = engine.get("/third");

    assertThat(first).hasToString("{\"a\":1}");
    assertThat(third).hasToString("[2]");
    assertThat(connections).hasValue(1);
    assertThat(requests.get(1)).startsWith("GET /v1.41/first HTTP/1.1\r\nHost: docker\r\n");
  }

  @Test
  void connectionThatTheEngineClosed_isReplaced() {
    answers.add(answer("200 OK", "{}") + "<close>");
    answers.add(answer("200 OK", "{}"));

    engine.get("/first");
    engine.get("/second");

    assertThat(connections).hasValueGreaterThanOrEqualTo(2);
  }

  @Test
  void chunksAreJoined() {
    answers.add(chunked("4;x=y\r\n{\"a\"\r\n3\r\n:7}\r\n0\r\nTrailer: 1\r\n\r\n"));

    assertThat(engine.get("/chunks")).hasToString("{\"a\":7}");
  }

  @Test
  void streamGivesEachObject() {
    answers.add(chunked("e\r\n{\"n\":1}\n{\"n\":2\r\n2\r\n}\n\r\n0\r\n\r\n"));
    List<Integer> seen = new ArrayList<>();

    engine.stream(
        "POST", "/s", Map.of(), Duration.ofSeconds(5), one -> seen.add(one.path("n").asInt()));

    assertThat(seen).containsExactly(1, 2);
  }

  @Test
  void errorCarriesTheEnginesWords() {
    answers.add(answer("409 Conflict", "{\"message\":\"it is \\\"busy\\\"\"}"));

    assertThatThrownBy(() -> engine.post("/start"))
        .isInstanceOfSatisfying(
            EngineException.class,
            failure -> {
              assertThat(failure.status()).isEqualTo(409);
              assertThat(failure.isConflict()).isTrue();
              assertThat(failure.text()).isEqualTo("it is \"busy\"");
            });
  }

  @Test
  void redirect_isAnError() {
    answers.add(answer("301 Moved Permanently", ""));

    assertThatThrownBy(() -> engine.get("/a/../b")).isInstanceOf(EngineException.class);
  }

  @Test
  void silence_endsTheCall() {
    answers.add("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":");

    assertThatThrownBy(() -> engine.get("/slow"))
        .isInstanceOfSatisfying(
            EngineException.class, failure -> assertThat(failure.isTimeout()).isTrue())
        .hasMessageContaining("timed out");
  }

  @Test
  void answerCutShort_isAnError() {
    answers.add("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":1}<close>");

    assertThatThrownBy(() -> engine.open("/cut").readAllBytes())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("ends too early");
  }

  @Test
  void somethingThatIsNotHttp_isAnError() {
    answers.add("SSH-2.0-OpenSSH\r\n");

    assertThatThrownBy(() -> engine.get("/x"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("did not answer with HTTP");
  }

  @Test
  void headSaysWhatIsThere() {
    // {"name":"sh","size":7,"mode":134218239}
    String stat = "eyJuYW1lIjoic2giLCJzaXplIjo3LCJtb2RlIjoxMzQyMTgyMzl9";
    answers.add(
        "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: "
            + stat
            + "\r\nContent-Length: 50\r\n\r\n");
    answers.add("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n");

    assertThat(engine.stat("c", "/bin/sh")).contains(new FileStat("sh", 7, 134_218_239));
    assertThat(engine.stat("c", "/nope")).isEmpty();
  }

  @Test
  void uploadIsChunked() {
    answers.add(answer("200 OK", ""));

    engine.writeArchive("c", "/a b", new ByteArrayInputStream(new byte[] {'x', 'y'}));

    assertThat(requests.getLast())
        .startsWith("PUT /v1.41/containers/c/archive?path=%2Fa%20b HTTP/1.1\r\n")
        .endsWith("2\r\nxy\r\n0\r\n\r\n");
  }

  @Test
  void engineThatNoLongerSpeaksTheOldVersion_isAskedInItsOldest() throws IOException {
    answers.add(answer("200 OK", "{\"MinAPIVersion\":\"1.44\"}"));
    answers.add(answer("200 OK", "{}"));
    EngineAddress address = new EngineAddress.Unix(folder.resolve("engine.sock"));

    try (Engine newer = Engine.open(address, Duration.ofSeconds(5))) {
      newer.get("/info");
    }

    assertThat(requests.getLast()).startsWith("GET /v1.44/info ");
  }

  @Test
  void noEngine_isAnError() {
    EngineAddress nowhere = new EngineAddress.Unix(folder.resolve("nobody.sock"));

    assertThatThrownBy(() -> Engine.open(nowhere, Duration.ofSeconds(1)))
        .isInstanceOf(EngineException.class);
  }
}
