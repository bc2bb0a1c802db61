package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What holds for every route: keys, ids, CORS, limits, unknown paths.
class HttpEdgeTest {
  @TempDir Path folder;
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start(folder);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private HttpRequest.Builder plain(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
  }

  @Test
  void healthNeedsNoKey() {
    var answer = server.send(plain("/health"));

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("{\"status\":\"healthy\"}");
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/sandboxes, 401, MISSING_API_KEY",
    "/v1/health, 401, MISSING_API_KEY",
    "/nope, 401, MISSING_API_KEY",
    "/healthz, 404, GENERAL::NOT_FOUND",
    "/sandboxes/x/proxy/80/a, 404, DOCKER::SANDBOX_NOT_FOUND",
    "/v1/sandboxes/x/proxy/abc, 401, MISSING_API_KEY"
  })
  void pathsWithoutKey(String path, int status, String code) {
    var answer = server.send(plain(path));

    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.text("code")).isEqualTo(code);
    assertThat(answer.text("message")).isNotBlank();
    assertThat(answer.header("X-Request-ID").orElse("")).matches("[0-9a-f]{32}");
  }

  @ParameterizedTest
  @CsvSource({"wrong, 401", "TEST-KEY, 401", "test-key, 200"})
  void keyIsComparedExactly(String key, int status) {
    var answer = server.send(plain("/v1/sandboxes").header("open-sandbox-api-key", key));

    assertThat(answer.status()).isEqualTo(status);
    if (status == 401) {
      assertThat(answer.text("code")).isEqualTo("INVALID_API_KEY");
    }
  }

  @Test
  void requestIdIsEchoed() {
    var answer = server.send(plain("/health").header("X-Request-ID", "mine"));

    assertThat(answer.header("X-Request-ID")).contains("mine");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /v1/nope, 404, GENERAL::NOT_FOUND",
    "PUT, /v1/sandboxes, 405, GENERAL::METHOD_NOT_ALLOWED",
    "PATCH, /sandboxes/x, 405, GENERAL::METHOD_NOT_ALLOWED",
    "GET, /v1/sandboxes/x/pause, 405, GENERAL::METHOD_NOT_ALLOWED"
  })
  void unknownPathsAndMethodsHaveTheEnvelope(String method, String path, int status, String code) {
    var answer = server.send(method, path);

    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.text("code")).isEqualTo(code);
    assertThat(answer.header("Allow").isPresent()).isEqualTo(status == 405);
  }

  @Test
  void headIsNotAllowed() {
    var answer = server.send("HEAD", "/v1/sandboxes");

    assertThat(answer.status()).isEqualTo(405);
    assertThat(answer.header("Allow")).contains("GET, POST");
  }

  @Test
  void trailingSlashIsRedirected() {
    var answer = server.send("GET", "/v1/sandboxes/?page=1");

    assertThat(answer.status()).isEqualTo(307);
    assertThat(answer.header("Location"))
        .contains("http://127.0.0.1:" + server.port() + "/v1/sandboxes?page=1");
    assertThat(answer.body()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        "{\"image\": | application/json | 400",
        "{} x | application/json | 400",
        "{} | text/plain | 400",
        "{} | application/x-www-form-urlencoded | 400",
        "[] | application/json | 400",
        "null | application/json | 400"
      })
  void badBodiesAreRefused(String body, String type, int status) {
    var request =
        plain("/v1/sandboxes")
            .header("OPEN-SANDBOX-API-KEY", TestServer.KEY)
            .header("Content-Type", type)
            .POST(HttpRequest.BodyPublishers.ofString(body));

    var answer = server.send(request);

    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.text("code")).isEqualTo("SANDBOX::INVALID_PARAMETER");
    assertThat(server.runtime().sandboxIds()).isEmpty();
  }

  @Test
  void jsonTypesWithParametersOrSuffixAreFine() {
    for (String type :
        new String[] {"application/json; charset=UTF-8", "application/merge-patch+json"}) {
      var request =
          plain("/v1/sandboxes")
              .header("OPEN-SANDBOX-API-KEY", TestServer.KEY)
              .header("Content-Type", type)
              .POST(HttpRequest.BodyPublishers.ofString(TestServer.body("")));
      assertThat(server.send(request).status()).as(type).isEqualTo(202);
    }
  }

  @Test
  void hugeBodyIs413AndNothingIsMade() {
    String body = TestServer.body(",\"x\":\"" + "y".repeat(20 << 20) + "\"");

    var answer = server.send("POST", "/v1/sandboxes", body);

    assertThat(answer.status()).isEqualTo(413);
    assertThat(answer.text("code")).isEqualTo("GENERAL::PAYLOAD_TOO_LARGE");
    assertThat(server.runtime().sandboxIds()).isEmpty();
  }

  @Test
  void nulInAPathIsRefusedWithTheEnvelope() {
    var answer = server.send("GET", "/v1/sandboxes/a%00b");

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.text("code")).isEqualTo("GENERAL::UNKNOWN_ERROR");
    assertThat(answer.text("message")).isNotBlank();
  }

  @Test
  void missingBodyIsRefused() {
    var answer = server.send(server.request("POST", "/v1/sandboxes", Optional.empty()));

    assertThat(answer.status()).isEqualTo(400);
  }

  @Test
  void everyResponseLetsTheOriginIn() {
    var answer = server.send(plain("/v1/sandboxes").header("Origin", "https://console.test"));

    assertThat(answer.status()).isEqualTo(401);
    assertThat(answer.header("Access-Control-Allow-Origin")).contains("https://console.test");
    assertThat(answer.header("Access-Control-Allow-Credentials")).contains("true");
    assertThat(answer.header("Vary")).contains("Origin");
  }

  @Test
  void preflightIsAnsweredBeforeTheKey() {
    var request =
        plain("/v1/sandboxes/x/proxy/80")
            .header("Origin", "https://console.test")
            .header("Access-Control-Request-Method", "PUT")
            .method("OPTIONS", HttpRequest.BodyPublishers.noBody());

    var answer = server.send(request);

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("OK");
    assertThat(answer.header("Access-Control-Max-Age")).contains("600");
  }
}
