package io.opensandbox.server.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.server.TestServer;
import io.opensandbox.server.json.Json;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DocsTest {
  private static final Pattern LINK = Pattern.compile("(?:src|href)=\"([^\"]*)\"");

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
  void documentHasBothPrefixesAndUniqueOperations() {
    var document = get("/openapi.json").json();
    var paths = object(document, "paths");

    assertThat(document.members().get("openapi")).isEqualTo(new Json.Str("3.1.0"));
    var info = object(document, "info");
    assertThat(info.members().get("title")).isEqualTo(new Json.Str("OpenSandbox Lifecycle API"));
    assertThat(info.members().get("version")).isEqualTo(new Json.Str("0.1.0"));
    assertThat(paths.members().keySet())
        .contains(
            "/sandboxes", "/v1/sandboxes", "/health", "/v1/sandboxes/{sandboxId}/proxy/{port}")
        .doesNotContain("/v1/health", "/v1/docs");
    assertThat(
            Pattern.compile("\"operationId\":\"([^\"]*)\"")
                .matcher(get("/openapi.json").body())
                .results()
                .map(match -> match.group(1)))
        .doesNotHaveDuplicates()
        .contains("createSandbox", "createSandboxAtRoot");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/docs", "/redoc"})
  void pagesLoadOnlyWhatTheServerServes(String page) {
    var html = get(page);

    assertThat(html.status()).isEqualTo(200);
    assertThat(html.header("Content-Type")).hasValue("text/html; charset=utf-8");
    assertThat(html.header("Content-Security-Policy"))
        .hasValueSatisfying(policy -> assertThat(policy).startsWith("default-src 'self';"));
    var links = LINK.matcher(html.body()).results().map(match -> match.group(1)).toList();
    assertThat(links).hasSize(4);
    for (var link : links) {
      var asset = get(URI.create("http://h" + page).resolve(link).getPath());
      assertThat(asset.status()).as(link).isEqualTo(200);
      assertThat(asset.body()).as(link).isNotEmpty();
    }
  }

  @Test
  void assetsThatAreNotThereAreNotFound() {
    assertThat(get("/docs/nothing.js").status()).isEqualTo(404);
    assertThat(get("/docs/..%2fdocs.html").status()).isEqualTo(404);
    assertThat(get("/docs/oauth2-redirect").status()).isEqualTo(200);
  }

  private static Json.Obj object(Json.Obj parent, String name) {
    return parent.member(name) instanceof Json.Obj object ? object : new Json.Obj(Map.of());
  }

  private TestServer.Answer get(String path) {
    return server.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path)));
  }
}
