package io.opensandbox.runtime.docker.engine;

import static io.opensandbox.runtime.docker.engine.ScriptedEngine.answer;
import static io.opensandbox.runtime.docker.engine.ScriptedEngine.chunked;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/// HTTP to an engine that this test plays.
final class EngineTransportTest {
  @RegisterExtension final ScriptedEngine script = new ScriptedEngine();

  private Engine engine;

  @BeforeEach
  void open() {
    engine = script.client();
  }

  @Test
  void callsShareOneConnection() {
    script.add(answer("200 OK", "{\"a\":1}"));
    script.add(answer("204 No Content", ""));
    script.add(answer("200 OK", "[2]\n"));

    JsonNode first = engine.get("/first");
    engine.delete("/second");
    JsonNode third = engine.get("/third");

    assertThat(first).hasToString("{\"a\":1}");
    assertThat(third).hasToString("[2]");
    assertThat(script.connections()).isEqualTo(1);
    assertThat(script.requests().get(1))
        .startsWith("GET /v1.41/first HTTP/1.1\r\nHost: docker\r\n");
  }

  @Test
  void connectionThatTheEngineClosed_isReplaced() {
    script.add(answer("200 OK", "{}") + "<close>");
    script.add(answer("200 OK", "{}"));

    engine.get("/first");
    engine.get("/second");

    assertThat(script.connections()).isGreaterThanOrEqualTo(2);
  }

  @Test
  void chunksAreJoined() {
    script.add(chunked("4;x=y\r\n{\"a\"\r\n3\r\n:7}\r\n0\r\nTrailer: 1\r\n\r\n"));

    assertThat(engine.get("/chunks")).hasToString("{\"a\":7}");
  }

  @Test
  void streamGivesEachObject() {
    script.add(chunked("e\r\n{\"n\":1}\n{\"n\":2\r\n2\r\n}\n\r\n0\r\n\r\n"));
    List<Integer> seen = new ArrayList<>();

    engine.stream(
        "POST", "/s", Map.of(), Duration.ofSeconds(60), one -> seen.add(one.path("n").asInt()));

    assertThat(seen).containsExactly(1, 2);
  }

  @Test
  void errorCarriesTheEnginesWords() {
    script.add(answer("409 Conflict", "{\"message\":\"it is \\\"busy\\\"\"}"));

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
    script.add(answer("301 Moved Permanently", ""));

    assertThatThrownBy(() -> engine.get("/a/../b")).isInstanceOf(EngineException.class);
  }

  @Test
  void silence_endsTheCall() throws IOException {
    script.add(answer("200 OK", "{\"MinAPIVersion\":\"1.12\"}"));
    script.add("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":");

    try (Engine impatient = Engine.open(script.address(), Duration.ofSeconds(2))) {
      assertThatThrownBy(() -> impatient.get("/slow"))
          .isInstanceOfSatisfying(
              EngineException.class, failure -> assertThat(failure.isTimeout()).isTrue())
          .hasMessageContaining("timed out");
    }
  }

  @Test
  void answerCutShort_isAnError() {
    script.add("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":1}<close>");

    assertThatThrownBy(() -> engine.open("/cut").readAllBytes())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("ends too early");
  }

  @Test
  void somethingThatIsNotHttp_isAnError() {
    script.add("SSH-2.0-OpenSSH\r\n");

    assertThatThrownBy(() -> engine.get("/x"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("did not answer with HTTP");
  }

  @Test
  void headSaysWhatIsThere() {
    // {"name":"sh","size":7,"mode":134218239}
    String stat = "eyJuYW1lIjoic2giLCJzaXplIjo3LCJtb2RlIjoxMzQyMTgyMzl9";
    script.add(
        "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: "
            + stat
            + "\r\nContent-Length: 50\r\n\r\n");
    script.add("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n");

    assertThat(engine.stat("c", "/bin/sh")).contains(new FileStat("sh", 7, 134_218_239));
    assertThat(engine.stat("c", "/nope")).isEmpty();
  }

  @Test
  void uploadIsChunked() {
    script.add(answer("200 OK", ""));

    engine.writeArchive("c", "/a b", new ByteArrayInputStream(new byte[] {'x', 'y'}));

    assertThat(script.requests().getLast())
        .startsWith("PUT /v1.41/containers/c/archive?path=%2Fa%20b HTTP/1.1\r\n")
        .endsWith("2\r\nxy\r\n0\r\n\r\n");
  }

  @Test
  void engineThatNoLongerSpeaksTheOldVersion_isAskedInItsOldest() throws IOException {
    script.add(answer("200 OK", "{\"MinAPIVersion\":\"1.44\"}"));
    script.add(answer("200 OK", "{}"));

    try (Engine newer = Engine.open(script.address(), Duration.ofSeconds(60))) {
      newer.get("/info");
    }

    assertThat(script.requests().getLast()).startsWith("GET /v1.44/info ");
  }

  @Test
  void noEngine_isAnError(@TempDir Path folder) {
    EngineAddress nowhere = new EngineAddress.Unix(folder.resolve("nobody.sock"));

    assertThatThrownBy(() -> Engine.open(nowhere, Duration.ofSeconds(1)))
        .isInstanceOf(EngineException.class);
  }

  @Test
  void aWatchIsToldOfEveryCallWithoutItsQuery() {
    List<String> told = new CopyOnWriteArrayList<>();
    script.add(answer("200 OK", "{\"MinAPIVersion\":\"1.12\"}"));
    script.add(answer("404 Not Found", "{\"message\":\"no such container\"}"));

    try (Engine watched =
        Engine.open(
            script.address(),
            Duration.ofSeconds(60),
            (method, path) -> {
              told.add(method + " " + path);
              return new EngineWatch.Call() {
                @Override
                public void answered(int status) {
                  told.add("answered " + status);
                }

                @Override
                public void failed(Throwable why) {
                  told.add("failed " + why);
                }

                @Override
                public void close() {
                  told.add("closed");
                }
              };
            })) {
      assertThatThrownBy(() -> watched.get("/containers/x/json?size=true"))
          .isInstanceOf(EngineException.class);
    }

    assertThat(told)
        .containsExactly(
            "GET /version",
            "answered 200",
            "closed",
            "GET /v1.41/containers/x/json",
            "answered 404",
            "closed");
  }
}
