package io.opensandbox.e2e.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Http;
import io.opensandbox.e2e.wire.Server;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// A sandbox out of a pool is one that was used before anybody had it. Nobody can tell.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PoolMemberIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String FILES =
      "find /tmp /var/tmp /root /opt/opensandbox -not -path '*/.execd-*' 2>/dev/null | sort";

  private final Server server = Testbed.server();
  private final String pool = "e2e-" + UUID.randomUUID();

  @BeforeAll
  void makePool() {
    var container = Map.of("name", "sandbox", "image", Images.PYTHON.reference());
    server
        .http()
        .sendJson(
            "POST",
            "/pools",
            Map.of(
                "name", pool,
                "template", Map.of("spec", Map.of("containers", List.of(container))),
                "capacitySpec",
                    Map.of("bufferMin", 1, "bufferMax", 1, "poolMin", 0, "poolMax", 10)))
        .expect(201);
  }

  @AfterAll
  void removePool() {
    server.http().send("DELETE", "/pools/" + pool).expect(204);
  }

  @Test
  void claimedSandboxIsLikeAFreshOne() {
    try (var fresh = Testbed.create(Images.PYTHON);
        var claimed = Testbed.create(claim(Map.of()))) {
      assertThat(logs(claimed.id())).doesNotContain("command");
      assertThat(commands(claimed.execd())).isEqualTo("[]");
      assertThat(claimed.execd().linesOf(FILES)).isEqualTo(fresh.execd().linesOf(FILES));
    }
  }

  @Test
  void environmentAndEntrypointOfAClaimAreNoCommandsOfTheClient() {
    var wanted =
        Map.of(
            "env", Map.of("COLOUR", "red"),
            "entrypoint", List.of("sh", "-c", "echo $COLOUR >/tmp/ran; sleep 600"));
    try (var claimed = Testbed.create(claim(wanted))) {
      Deadline.in(PATIENCE)
          .await(
              () -> claimed.execd().run("test -s /tmp/ran").exitCode() == 0,
              "the entrypoint does not run");

      assertThat(claimed.execd().linesOf("cat /tmp/ran; echo $COLOUR"))
          .containsExactly("red", "red");
      assertThat(commands(claimed.execd())).doesNotContain("sleep 600").doesNotContain("printf");
    }
  }

  @Test
  void environmentOfAClaimIsThatOfSessionsAndTerminals() {
    try (var claimed = Testbed.create(claim(Map.of("env", Map.of("COLOUR", "red"))))) {
      Http execd = claimed.execd().http();
      String session =
          execd.sendJson("POST", "/session", Map.of()).expect(200).json().text("session_id");
      String terminal =
          execd
              .sendJson("POST", "/pty", Map.of("command", "echo $COLOUR >/tmp/seen"))
              .expect(201)
              .json()
              .text("session_id");
      HttpClient client = HttpClient.newHttpClient();
      WebSocket watched =
          client
              .newWebSocketBuilder()
              .buildAsync(
                  URI.create(execd.base().replaceFirst("^http", "ws") + "/pty/" + terminal + "/ws"),
                  new WebSocket.Listener() {})
              .join();

      assertThat(
              claimed.execd().stream(
                      "/session/" + session + "/run", Map.of("command", "echo $COLOUR"), _ -> {})
                  .stdout())
          .startsWith("red");
      Deadline.in(PATIENCE)
          .await(
              () -> claimed.execd().run("test -s /tmp/seen").exitCode() == 0,
              "the terminal's command does not run");
      assertThat(claimed.execd().linesOf("cat /tmp/seen")).containsExactly("red");
      watched.abort();
      client.close();
    }
  }

  // Waits for a member first: without one the sandbox would be made anew.
  private Map<String, Object> claim(Map<String, Object> more) {
    Deadline.in(PATIENCE)
        .await(
            () ->
                server
                        .http()
                        .send("GET", "/pools/" + pool)
                        .expect(200)
                        .json()
                        .at("status")
                        .number("available")
                    > 0,
            "the pool does not become full");
    var request = new HashMap<String, Object>(more);
    request.put("extensions", Map.of("poolRef", pool));
    request.put("timeout", 600);
    return request;
  }

  private static String commands(Execd execd) {
    return execd.http().send("GET", "/command").expect(200).text();
  }

  private String logs(String id) {
    return server.http().send("GET", "/sandboxes/" + id + "/diagnostics/logs").expect(200).text();
  }
}
