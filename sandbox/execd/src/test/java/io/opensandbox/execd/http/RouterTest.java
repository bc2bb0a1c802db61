package io.opensandbox.execd.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(180)
class RouterTest {
  private TestServer server;

  @BeforeEach
  void start() {
    Router router = new Router(new TokenGuard("secret"));
    router
        .add("GET", "/files", exchange -> say(exchange, "files"))
        .add("GET", "/command/{id}/logs", exchange -> say(exchange, exchange.pathParameter("id")))
        .add(
            "GET",
            "/command/status/{id}",
            exchange -> say(exchange, "status " + exchange.pathParameter("id")))
        .add("POST", "/code/{x}", exchange -> say(exchange, "post"))
        .add(
            "*", "/any/*", exchange -> say(exchange, exchange.method() + " " + exchange.rawPath()));
    server = new TestServer(router);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static void say(Exchange exchange, String text) throws IOException {
    exchange.respond(200, "text/plain", text.getBytes(StandardCharsets.UTF_8));
  }

  private RawClient.Response request(String method, String path) throws IOException {
    return server.request(
        method + " " + path + " HTTP/1.1\r\nHost: x\r\nx-execd-access-token: secret\r\n\r\n");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /files?x=1, files",
    "GET, /command/a%20b/logs, a b",
    "GET, /command/status/7, status 7",
    "GET, /command/status/logs, status logs",
    "PUT, /any, PUT /any",
    "GET, /any/a%2Fb/, GET /any/a%2Fb/",
  })
  void findsTheHandler(String method, String path, String body) throws IOException {
    assertThat(request(method, path).body()).isEqualTo(body);
  }

  @ParameterizedTest
  @CsvSource({
    "POST, /files",
    "GET, /code/1",
    "GET, /",
    "GET, /command//logs",
    "GET, /command/a%2Fb/logs",
    "HEAD, /nope",
    "GET, /FILES"
  })
  void answersUnknownPathsAndMethodsInPlainText(String method, String path) throws IOException {
    try (RawClient client = server.connect()) {
      client.send(
          method + " " + path + " HTTP/1.1\r\nHost: x\r\nx-execd-access-token: secret\r\n\r\n");
      RawClient.Response response = method.equals("HEAD") ? client.receiveHead() : client.receive();

      assertThat(response.status()).isEqualTo(404);
      assertThat(response.header("content-type")).startsWith("text/plain");
      assertThat(response.header("content-length")).isEqualTo("18");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /files/?a=b, 301, /files?a=b",
    "POST, /code/x/, 307, /code/x",
    "GET, //files/, 404, ''",
  })
  void redirectsTheFinalSlashBeforeTheGuard(String method, String path, int status, String location)
      throws IOException {
    RawClient.Response response =
        status == 404
            ? request(method, path)
            : server.request(method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");

    assertThat(response.status()).isEqualTo(status);
    assertThat(response.header("location")).isEqualTo(location);
  }

  @Test
  void guardsKnownAndUnknownPaths() throws IOException {
    for (String path : new String[] {"/files", "/nope"}) {
      RawClient.Response response = server.get(path);

      assertThat(response.status()).isEqualTo(401);
      assertThat(response.body())
          .contains("\"error\":\"Unauthorized: invalid or missing header X-EXECD-ACCESS-TOKEN\"")
          .contains("\"code\":\"UNAUTHORIZED\"");
    }
  }

  @Test
  void refusesTwoHandlersForOneRoute() {
    Router router = new Router().add("GET", "/a", _ -> {});

    assertThatIllegalArgumentException().isThrownBy(() -> router.add("GET", "/a", _ -> {}));
  }
}
