package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.server.json.Json;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What clients see of sandboxes, over HTTP.
class LifecycleRoutesTest {
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

  @Test
  void createAnswersARunningSandbox() {
    var answer =
        server.send(
            "POST",
            "/v1/sandboxes",
            TestServer.body(",\"timeout\":60,\"metadata\":{\"a/b\":\"x_1\"}"));

    String id = answer.text("id");
    assertThat(answer.status()).isEqualTo(202);
    assertThat(answer.body())
        .isEqualTo(
            "{\"id\":\""
                + id
                + "\",\"status\":{\"state\":\"Running\",\"reason\":\"CONTAINER_RUNNING\","
                + "\"message\":\"Sandbox container started successfully.\","
                + "\"lastTransitionAt\":\"2030-01-01T00:00:00.123456Z\"},"
                + "\"metadata\":{\"a/b\":\"x_1\"},"
                + "\"expiresAt\":\"2030-01-01T00:01:00.123456Z\","
                + "\"createdAt\":\"2030-01-01T00:00:00.123456Z\","
                + "\"entrypoint\":[\"sleep\",\"1d\"]}");
  }

  @Test
  void getLeavesOutWhatHasNoValue() {
    String id = server.create();

    var answer = server.send("GET", "/sandboxes/" + id);

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.json().members().keySet())
        .containsExactly("id", "image", "status", "entrypoint", "createdAt");
    assertThat(answer.text("image", "uri")).isEqualTo("busybox");
    assertThat(answer.text("status", "state")).isEqualTo("Running");
  }

  @Test
  void listPagesNewestFirst() {
    String first = server.create();
    String second = server.create();

    var answer = server.send("GET", "/v1/sandboxes?pageSize=1&page=2");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body())
        .endsWith(
            "\"pagination\":{\"page\":2,\"pageSize\":1,\"totalItems\":2,\"totalPages\":2,"
                + "\"hasNextPage\":false}}");
    assertThat(answer.json().member("items"))
        .isInstanceOfSatisfying(Json.Arr.class, items -> assertThat(items.items()).hasSize(1));
    assertThat(first).isNotEqualTo(second);
  }

  @Test
  void emptyListHasNoPages() {
    assertThat(server.send("GET", "/v1/sandboxes").body())
        .isEqualTo(
            "{\"items\":[],\"pagination\":{\"page\":1,\"pageSize\":20,\"totalItems\":0,"
                + "\"totalPages\":0,\"hasNextPage\":false}}");
  }

  @ParameterizedTest
  @CsvSource({
    "state=running, 1",
    "state=Paused, 0",
    "state=paused&state=RUNNING, 1",
    "state=, 0",
    "metadata=a%2Fb%3Dx_1, 1",
    "metadata=a%252Fb%3Dx_1, 1",
    "metadata=a%2Fb%3Dx_1%26c%3D, 1",
    "metadata=a%2Fb%3Dx_2, 0",
    "metadata=, 1",
    "state=Running&metadata=c%3D, 1"
  })
  void listFilters(String query, int matches) {
    server.send(
        "POST", "/v1/sandboxes", TestServer.body(",\"metadata\":{\"a/b\":\"x_1\",\"c\":\"\"}"));

    var answer = server.send("GET", "/v1/sandboxes?" + query);

    assertThat(answer.body()).contains("\"totalItems\":" + matches + ",");
  }

  @ParameterizedTest
  @CsvSource({
    "metadata=a, INVALID_METADATA_FORMAT",
    "metadata=a%3Db%26, INVALID_METADATA_FORMAT",
    "page=0, SANDBOX::INVALID_PARAMETER",
    "page=x, SANDBOX::INVALID_PARAMETER",
    "pageSize=201, SANDBOX::INVALID_PARAMETER",
    "pageSize=0, SANDBOX::INVALID_PARAMETER",
    "pageSize=1e2, SANDBOX::INVALID_PARAMETER"
  })
  void listRefusesBadQueries(String query, String code) {
    var answer = server.send("GET", "/v1/sandboxes?" + query);

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.text("code")).isEqualTo(code);
  }

  @Test
  void deleteIsOnceThen404() {
    String id = server.create();

    assertThat(server.send("DELETE", "/v1/sandboxes/" + id).status()).isEqualTo(204);
    var again = server.send("DELETE", "/v1/sandboxes/" + id);

    assertThat(again.status()).isEqualTo(404);
    assertThat(again.text("code")).isEqualTo("DOCKER::SANDBOX_NOT_FOUND");
    assertThat(server.runtime().sandboxIds()).isEmpty();
  }

  @Test
  void pauseAndResumeTakeEffectBeforeTheAnswer() {
    String id = server.create();

    var paused = server.send("POST", "/v1/sandboxes/" + id + "/pause");
    assertThat(paused.status()).isEqualTo(202);
    assertThat(paused.header("Content-Length")).contains("0");
    assertThat(server.send("GET", "/v1/sandboxes/" + id).text("status", "state"))
        .isEqualTo("Paused");
    var twice = server.send("POST", "/v1/sandboxes/" + id + "/pause");
    assertThat(twice.status()).isEqualTo(409);
    assertThat(twice.text("code")).isEqualTo("DOCKER::SANDBOX_NOT_RUNNING");

    assertThat(server.send("POST", "/v1/sandboxes/" + id + "/resume").status()).isEqualTo(202);
    assertThat(server.send("GET", "/v1/sandboxes/" + id).text("status", "state"))
        .isEqualTo("Running");
    var resumedTwice = server.send("POST", "/v1/sandboxes/" + id + "/resume");
    assertThat(resumedTwice.status()).isEqualTo(409);
    assertThat(resumedTwice.text("code")).isEqualTo("DOCKER::SANDBOX_NOT_PAUSED");
  }

  @Test
  void endpointsResolveRightAfterCreate() {
    String id = server.create();

    for (int port : new int[] {44772, 18080, 8080, 3000}) {
      var answer =
          server.send(
              "GET", "/v1/sandboxes/" + id + "/endpoints/" + port + "?use_server_proxy=false");
      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    }
    var proxied =
        server.send("GET", "/v1/sandboxes/" + id + "/endpoints/3000?use_server_proxy=true");
    assertThat(proxied.text("endpoint"))
        .isEqualTo("127.0.0.1:" + server.port() + "/sandboxes/" + id + "/proxy/3000");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 400, DOCKER::INVALID_PORT",
    "-1, 400, DOCKER::INVALID_PORT",
    "65536, 400, DOCKER::INVALID_PORT",
    "x, 400, SANDBOX::INVALID_PARAMETER",
    "80?expires=1, 400, SANDBOX::API_NOT_SUPPORTED",
    "0?expires=1, 400, SANDBOX::API_NOT_SUPPORTED",
    "80?expires=x, 400, SANDBOX::INVALID_PARAMETER",
    "80?expires=, 400, SANDBOX::INVALID_PARAMETER",
    "80?expires=1&use_server_proxy=true, 400, SANDBOX::INVALID_PARAMETER",
    "80?use_server_proxy=2, 400, SANDBOX::INVALID_PARAMETER"
  })
  void endpointsRefuse(String rest, int status, String code) {
    String id = server.create();

    var answer = server.send("GET", "/v1/sandboxes/" + id + "/endpoints/" + rest);

    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.text("code")).isEqualTo(code);
  }

  @Test
  void renewSetsAnyFutureTime() {
    String id =
        server.send("POST", "/v1/sandboxes", TestServer.body(",\"timeout\":3600")).text("id");

    var answer =
        server.send(
            "POST",
            "/v1/sandboxes/" + id + "/renew-expiration",
            "{\"expiresAt\":\"2030-01-01T01:00:30.1234567+01:00\"}");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("{\"expiresAt\":\"2030-01-01T00:00:30.123456Z\"}");
    assertThat(server.send("GET", "/v1/sandboxes/" + id).text("expiresAt"))
        .isEqualTo("2030-01-01T00:00:30.123456Z");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"expiresAt\":\"2020-01-01T00:00:00Z\"} | 400 | DOCKER::INVALID_EXPIRATION",
        "{\"expiresAt\":null} | 400 | SANDBOX::INVALID_PARAMETER",
        "{} | 400 | SANDBOX::INVALID_PARAMETER",
        "{\"expiresAt\":\"2031-01-01T24:00:00Z\"} | 400 | SANDBOX::INVALID_PARAMETER",
        "{\"expiresAt\":\" 2031-01-01T00:00:00Z\"} | 400 | SANDBOX::INVALID_PARAMETER",
        "{\"expiresAt\":true} | 400 | SANDBOX::INVALID_PARAMETER",
        "[] | 400 | SANDBOX::INVALID_PARAMETER"
      })
  void renewRefuses(String body, int status, String code) {
    String id =
        server.send("POST", "/v1/sandboxes", TestServer.body(",\"timeout\":3600")).text("id");

    var answer = server.send("POST", "/v1/sandboxes/" + id + "/renew-expiration", body);

    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.text("code")).isEqualTo(code);
  }

  @Test
  void renewOfManualCleanUpIsAConflict() {
    String id = server.create();

    var answer =
        server.send(
            "POST",
            "/v1/sandboxes/" + id + "/renew-expiration",
            "{\"expiresAt\":\"2031-01-01T00:00:00Z\"}");

    assertThat(answer.status()).isEqualTo(409);
    assertThat(answer.text("code")).isEqualTo("DOCKER::INVALID_EXPIRATION");
    assertThat(answer.text("message")).contains("does not have automatic expiration enabled");
  }

  @Test
  void metadataIsPatched() {
    String id =
        server
            .send(
                "POST", "/v1/sandboxes", TestServer.body(",\"metadata\":{\"a\":\"1\",\"b\":\"2\"}"))
            .text("id");

    var answer =
        server.send(
            "PATCH", "/v1/sandboxes/" + id + "/metadata", "{\"a\":null,\"c\":\"3\",\"zz\":null}");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).contains("\"metadata\":{\"b\":\"2\",\"c\":\"3\"}");
    var stale =
        server.send(
            server
                .request("PATCH", "/v1/sandboxes/" + id + "/metadata", Optional.of("{\"d\":\"4\"}"))
                .header("If-Match", "\"1\""));
    assertThat(stale.status()).isEqualTo(412);
    var current =
        server.send(
            server
                .request("PATCH", "/v1/sandboxes/" + id + "/metadata", Optional.of("{\"d\":\"4\"}"))
                .header("If-Match", answer.header("ETag").orElseThrow()));
    assertThat(current.status()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "* | 200",
        "\"1\" | 200",
        "\"x\", \"7\" ,\"1\" | 200",
        "\"7\",\"8\" | 412",
        "W/\"1\" | 412",
        "1 | 412",
        "\"\" | 412",
      })
  void aPatchIsDoneWhenOneOfTheListedVersionsIsTheSandboxs(String tags, int status) {
    String id = server.create();

    var answer =
        server.send(
            server
                .request("PATCH", "/v1/sandboxes/" + id + "/metadata", Optional.of("{\"d\":\"4\"}"))
                .header("If-Match", tags));

    assertThat(answer.status()).isEqualTo(status);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"opensandbox.io/x\":null} | INVALID_METADATA_LABEL",
        "{\"bad key\":\"x\"} | SANDBOX::INVALID_METADATA_LABEL",
        "{\"a\":\"bad value\"} | SANDBOX::INVALID_METADATA_LABEL",
        "{\"a\":1} | SANDBOX::INVALID_METADATA_LABEL",
        "[] | SANDBOX::INVALID_PARAMETER"
      })
  void metadataPatchRefuses(String body, String code) {
    String id = server.create();

    var answer = server.send("PATCH", "/v1/sandboxes/" + id + "/metadata", body);

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.text("code")).isEqualTo(code);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /v1/sandboxes/nope",
        "DELETE /v1/sandboxes/nope",
        "POST /v1/sandboxes/nope/pause",
        "POST /v1/sandboxes/nope/resume",
        "GET /v1/sandboxes/nope/endpoints/80",
        "GET /v1/sandboxes/a%2Fb"
      })
  void unknownSandboxIs404(String request) {
    int blank = request.indexOf(' ');

    var answer = server.send(request.substring(0, blank), request.substring(blank + 1));

    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.text("code")).isEqualTo("DOCKER::SANDBOX_NOT_FOUND");
  }
}
