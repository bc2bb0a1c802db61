package io.opensandbox.server.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.server.CapturedLog;
import io.opensandbox.server.FakeClock;
import io.opensandbox.server.TestServer;
import io.opensandbox.server.TestServer.Answer;
import io.opensandbox.server.http.RouteTable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Who may do what, how often, and what is written down about it.
class AccessTest {
  @TempDir Path folder;
  private final FakeClock clock = new FakeClock();

  @SuppressWarnings("NullAway.Init") // every test starts it first
  private TestServer server;

  @AfterEach
  void stop() {
    server.close();
    server.runtime().close();
  }

  private void start(String toml) throws Exception {
    String keys =
        key("reader", "", "read")
            + key("writer", "", "write")
            + key("admin", "", "admin")
            + key("a1", "a", "read\", \"write")
            + key("a2", "a", "read\", \"write")
            + key("b1", "b", "read\", \"write");
    server = TestServer.start(folder, new FakeRuntime(), clock, toml + keys);
  }

  private static String key(String name, String tenant, String scopes) throws Exception {
    byte[] digest =
        MessageDigest.getInstance("SHA-256")
            .digest(("secret-" + name).getBytes(StandardCharsets.UTF_8));
    return """
    [[server.keys]]
    name = "%s"
    key_sha256 = "%s"
    scopes = ["%s"]
    tenant = "%s"
    """
        .formatted(name, HexFormat.of().formatHex(digest), scopes, tenant);
  }

  private Answer as(String name, String method, String path, String body) {
    return server.send(
        server
            .request(method, path, body.isEmpty() ? Optional.empty() : Optional.of(body))
            .setHeader(KeyGate.HEADER, "secret-" + name));
  }

  private String createAs(String name) {
    Answer answer = as(name, "POST", "/v1/sandboxes", TestServer.body(",\"timeout\":600"));
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    return answer.text("id");
  }

  @ParameterizedTest
  @CsvSource({
    "reader, GET, 200",
    "reader, POST, 403",
    "writer, GET, 403",
    "writer, POST, 202",
    "admin, GET, 200",
    "admin, POST, 202",
    "a1, GET, 200",
    "a1, POST, 202"
  })
  void scopesSayWhatAKeyMayDo(String name, String method, int status) throws Exception {
    start("");
    String body = method.equals("POST") ? TestServer.body("") : "";

    Answer answer = as(name, method, "/v1/sandboxes", body);

    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    if (status == 403) {
      assertThat(answer.text("code")).isEqualTo("FORBIDDEN");
      assertThat(answer.text("message")).contains("\"" + name + "\"").doesNotContain("secret");
      assertThat(server.runtime().sandboxIds()).isEmpty();
    }
  }

  @Test
  void keysAreComparedWhole() throws Exception {
    start("");

    for (String wrong : new String[] {"secret-admi", "secret-admin ", "SECRET-ADMIN", "x"}) {
      Answer answer =
          server.send(
              server
                  .request("GET", "/v1/sandboxes", Optional.empty())
                  .setHeader(KeyGate.HEADER, wrong));
      // A blank at the end of a header's value is not part of it.
      assertThat(answer.status()).as(wrong).isEqualTo(wrong.endsWith(" ") ? 200 : 401);
    }
  }

  @Test
  void everyRouteNeedsAKeyThatMayDoIt() throws Exception {
    start("");
    for (RouteTable.Entry route : server.routes()) {
      String path = route.path().replaceAll("\\{[^}]*}", "8080");
      boolean open = path.matches("/(health|ready|docs|redoc|openapi.json).*");
      boolean reads = route.method().equals("GET");
      String what = route.method() + " " + path;

      Answer none =
          server.send(
              server
                  .request(route.method(), path, reads ? Optional.empty() : Optional.of("{}"))
                  .setHeader(KeyGate.HEADER, "unknown"));
      Answer wrong = as(reads ? "writer" : "reader", route.method(), path, reads ? "" : "{}");

      assertThat(none.status() == 401).as(what + ": " + none.body()).isEqualTo(!open);
      assertThat(wrong.status() == 403).as(what + ": " + wrong.body()).isEqualTo(!open);
    }
    assertThat(server.runtime().sandboxIds()).isEmpty();
  }

  @Test
  void everyRouteOfASandboxOrSnapshotHidesThoseOfOtherTenants() throws Exception {
    start("");
    String sandbox = createAs("a1");
    String snapshot = as("a1", "POST", "/v1/sandboxes/" + sandbox + "/snapshots", "").text("id");
    for (RouteTable.Entry route : server.routes()) {
      boolean ofSnapshot = route.path().contains("/snapshots/{id}");
      if (!ofSnapshot && !route.path().contains("/sandboxes/{id}")) {
        continue;
      }
      String path =
          route.path().replace("{id}", ofSnapshot ? snapshot : sandbox).replace("{port}", "8080");
      String body =
          path.endsWith("/renew-expiration") ? "{\"expiresAt\":\"2031-01-01T00:00:00Z\"}" : "{}";

      Answer answer = as("b1", route.method(), path, route.method().equals("GET") ? "" : body);

      assertThat(answer.status()).as(route.method() + " " + path).isEqualTo(404);
      assertThat(answer.text("code"))
          .as(route.method() + " " + path)
          .isEqualTo(ofSnapshot ? "SNAPSHOT::NOT_FOUND" : "DOCKER::SANDBOX_NOT_FOUND");
    }
    assertThat(as("a1", "GET", "/v1/sandboxes", "").states()).containsOnlyKeys(sandbox);
    assertThat(as("a1", "GET", "/v1/snapshots", "").states()).containsOnlyKeys(snapshot);
  }

  @Test
  void metricsAreNotForTenants() throws Exception {
    start("");

    Answer tenant = as("a1", "GET", "/metrics", "");

    assertThat(tenant.status()).isEqualTo(403);
    assertThat(tenant.text("message")).contains("\"a1\"").contains("tenant");
    assertThat(as("reader", "GET", "/metrics", "").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET | |",
        "DELETE | |",
        "POST | /pause |",
        "POST | /resume |",
        "PATCH | /metadata | {'a':'b'}",
        "POST | /renew-expiration | {'expiresAt':'2031-01-01T00:00:00Z'}",
        "GET | /endpoints/8080 |",
        "POST | /snapshots | {}",
        "POST | /fork | {'count':1}",
        "GET | /diagnostics/logs |",
        "GET | /diagnostics/events |",
        "GET | /diagnostics/inspect |",
        "GET | /diagnostics/summary |"
      })
  void aSandboxOfAnotherTenantIsNotThere(String method, String suffix, String body)
      throws Exception {
    start("");
    String path = "/v1/sandboxes/" + createAs("a1") + (suffix == null ? "" : suffix);
    String json = body == null ? "" : body.replace('\'', '"');

    Answer answer = as("b1", method, path, json);

    assertThat(answer.status()).as(answer.body()).isEqualTo(404);
    assertThat(answer.text("code")).isEqualTo("DOCKER::SANDBOX_NOT_FOUND");
    assertThat(server.runtime().sandboxIds()).hasSize(1);
  }

  @Test
  void keysOfOneTenantShareTheirSandboxesAndAKeyWithoutTenantSeesAll() throws Exception {
    start("");
    String mine = createAs("a1");
    String other = createAs("b1");

    assertThat(as("a2", "GET", "/v1/sandboxes", "").states()).containsOnlyKeys(mine);
    assertThat(as("b1", "GET", "/v1/sandboxes", "").states()).containsOnlyKeys(other);
    assertThat(as("reader", "GET", "/v1/sandboxes", "").states()).containsOnlyKeys(mine, other);
    assertThat(as("a2", "GET", "/v1/sandboxes?state=Running", "").states()).containsOnlyKeys(mine);
    assertThat(as("a2", "DELETE", "/v1/sandboxes/" + mine, "").status()).isEqualTo(204);
  }

  @Test
  void snapshotsBelongToTheTenantOfTheirSandbox() throws Exception {
    start("");
    String id = as("a1", "POST", "/v1/sandboxes/" + createAs("a1") + "/snapshots", "").text("id");

    assertThat(as("a2", "GET", "/v1/snapshots", "").states()).containsOnlyKeys(id);
    assertThat(as("b1", "GET", "/v1/snapshots", "").states()).isEmpty();
    for (String method : new String[] {"GET", "DELETE"}) {
      Answer answer = as("b1", method, "/v1/snapshots/" + id, "");
      assertThat(answer.status()).isEqualTo(404);
      assertThat(answer.text("code")).isEqualTo("SNAPSHOT::NOT_FOUND");
    }
    String restore = "{\"snapshotId\":\"" + id + "\",\"resourceLimits\":{}}";
    assertThat(as("b1", "POST", "/v1/sandboxes", restore).text("code"))
        .isEqualTo("SNAPSHOT::NOT_FOUND");
  }

  @Test
  void tooManyRequestsOfAKeyWait() throws Exception {
    start("server.rate_limit_per_minute = 3\n");
    for (int i = 0; i < 3; i++) {
      assertThat(as("reader", "GET", "/v1/sandboxes", "").status()).isEqualTo(200);
    }

    Answer refused = as("reader", "GET", "/v1/sandboxes", "");

    assertThat(refused.status()).isEqualTo(429);
    assertThat(refused.text("code")).isEqualTo("GENERAL::RATE_LIMITED");
    assertThat(refused.header("Retry-After")).contains("20");
    assertThat(as("a1", "GET", "/v1/sandboxes", "").status()).as("other keys").isEqualTo(200);
    clock.advance(Duration.ofSeconds(19));
    assertThat(as("reader", "GET", "/v1/sandboxes", "").header("Retry-After")).contains("1");
    clock.advance(Duration.ofSeconds(1));
    assertThat(as("reader", "GET", "/v1/sandboxes", "").status()).isEqualTo(200);
    assertThat(as("reader", "GET", "/v1/sandboxes", "").status()).isEqualTo(429);
    clock.advance(Duration.ofHours(-1));
    assertThat(as("reader", "GET", "/v1/sandboxes", "").status())
        .as("clock set back")
        .isEqualTo(429);
  }

  @Test
  void eachMutationIsWrittenDown() throws Exception {
    try (var audit = new CapturedLog("audit")) {
      start("");
      String id = createAs("a1");
      as("a1", "GET", "/v1/sandboxes/" + id, "");
      as("a1", "DELETE", "/v1/sandboxes/" + id, "");
      as("a1", "DELETE", "/v1/sandboxes/" + id, "");

      assertThat(audit.next())
          .contains("key=a1 tenant=a method=POST path=/v1/sandboxes status=202");
      assertThat(audit.next())
          .contains("key=a1 tenant=a method=DELETE path=/v1/sandboxes/" + id + " status=204");
      assertThat(audit.next()).contains("status=404").doesNotContain("secret");
    }
  }

  @Test
  void mutationsWithoutAKeyAreWrittenDownToo() throws Exception {
    try (var audit = new CapturedLog("audit")) {
      server = TestServer.startWithoutKey(folder);
      server.create();

      assertThat(audit.next()).contains("key=- tenant=- method=POST path=/v1/sandboxes status=202");
    }
  }
}
