package io.opensandbox.e2e.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.TestSandbox;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Http;
import io.opensandbox.e2e.wire.Json;
import io.opensandbox.e2e.wire.Server;
import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// The easiest ways to break an official client, each as a test on the wire.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClientContractIT {
  private final Server server = Testbed.server();
  private TestSandbox sandbox;

  @BeforeAll
  void createSandbox() {
    sandbox = Testbed.create(Images.PYTHON);
  }

  @AfterAll
  void deleteSandbox() {
    sandbox.close();
  }

  @Test
  void create_answersWhatEveryClientNeeds() {
    var created = sandbox.created();

    assertThat(UUID.fromString(created.text("id"))).isNotNull();
    assertThat(created.at("status").text("state")).isIn("Running", "Pending");
    assertThat(created.at("entrypoint").value()).isEqualTo(List.of("tail", "-f", "/dev/null"));
    var createdAt = OffsetDateTime.parse(created.text("createdAt"));
    var expiresAt = OffsetDateTime.parse(created.text("expiresAt"));
    assertThat(Duration.between(createdAt, expiresAt)).isEqualTo(Duration.ofMinutes(10));
  }

  @Test
  void nothingIsNull_whereAbsenceIsMeant() {
    var got = server.get(sandbox.id());
    var endpoint =
        server.http().send("GET", "/sandboxes/" + sandbox.id() + "/endpoints/44772").json();

    assertThat(List.of(sandbox.created(), got, got.at("status"), endpoint))
        .allSatisfy(object -> {
          for (var name :
              List.of(
                  "expiresAt",
                  "metadata",
                  "image",
                  "platform",
                  "headers",
                  "snapshotId",
                  "lastTransitionAt")) {
            if (object.has(name)) {
              assertThat(object.at(name).value()).as(name).isNotNull();
            }
          }
        });
  }

  @Test
  void manualCleanup_hasNoExpiresAt() {
    var request = Server.request(Images.PYTHON.reference());
    request.put("timeout", null);
    try (var manual = Testbed.create(request)) {
      assertThat(manual.created().has("expiresAt")).isFalse();
      assertThat(server.get(manual.id()).has("expiresAt")).isFalse();
    }
  }

  @Test
  void sameTimestamps_inCreateGetAndList() {
    var got = server.get(sandbox.id());
    var listed =
        server
            .list("?" + Server.metadataQuery(Testbed.RUN_KEY, Testbed.RUN) + "&pageSize=200")
            .at("items")
            .items()
            .stream()
            .filter(item -> item.text("id").equals(sandbox.id()))
            .findFirst()
            .orElseThrow();

    for (var name : List.of("createdAt", "expiresAt")) {
      assertThat(got.text(name)).isEqualTo(sandbox.created().text(name));
      assertThat(listed.text(name)).isEqualTo(sandbox.created().text(name));
    }
    assertThat(got.at("image").text("uri")).isEqualTo(Images.PYTHON.reference());
  }

  @Test
  void kotlinsExplicitNulls_andUnknownMembers_areAccepted() {
    var request = new HashMap<String, Object>(Server.request(Images.PYTHON.reference()));
    for (var name :
        List.of(
            "snapshotId",
            "networkPolicy",
            "credentialProxy",
            "platform",
            "volumes",
            "env",
            "extensions")) {
      request.put(name, null);
    }
    request.put("secureAccess", false);
    request.put("resourceRequests", Map.of("cpu", "1"));
    try (var created = Testbed.create(request)) {
      assertThat(created.execd().run("echo ok").stdout()).containsExactly("ok");
    }
  }

  @Test
  void oneElementEntrypointWithSpaces_isSplit_andEchoedAsSent() {
    var request = Server.request(Images.PYTHON.reference(), "tail -f /dev/null");
    try (var created = Testbed.create(request)) {
      assertThat(created.created().at("entrypoint").value())
          .isEqualTo(List.of("tail -f /dev/null"));
      assertThat(server.get(created.id()).at("status").text("state")).isEqualTo("Running");
    }
  }

  @Test
  void endpoints_haveNoSchemeAndTheAgreedShape() {
    for (int port : new int[] {44772, 18080, 3000, 8080}) {
      var direct = server.endpoint(sandbox.id(), port, false);
      var proxied = server.endpoint(sandbox.id(), port, true);

      assertThat(direct).doesNotContain("://").doesNotEndWith("/").startsWith("127.0.0.1:");
      assertThat(proxied)
          .doesNotContain("://")
          .endsWith("/sandboxes/" + sandbox.id() + "/proxy/" + port);
      if (port != 8080) {
        assertThat(direct).endsWith("/proxy/" + port);
      } else {
        assertThat(direct).doesNotContain("/");
      }
    }
  }

  @Test
  void everyRoute_isServedWithAndWithoutPrefix() {
    var root = root(Map.of("OPEN-SANDBOX-API-KEY", Testbed.process().key()));

    assertThat(root.send("GET", "/sandboxes/" + sandbox.id()).status()).isEqualTo(200);
    assertThat(root.send("GET", "/v1/sandboxes/" + sandbox.id()).status()).isEqualTo(200);
    assertThat(root.send("GET", "/sandboxes/" + sandbox.id() + "/endpoints/44772").status())
        .isEqualTo(200);
    assertThat(root.send("GET", "/health").status()).isEqualTo(200);
  }

  @Test
  void proxyRoute_needsNoApiKey_othersDo() {
    var anonymous = root(Map.of());

    assertThat(anonymous.send("GET", "/sandboxes/" + sandbox.id() + "/proxy/44772/ping").status())
        .isEqualTo(200);
    assertThat(
            anonymous.send("GET", "/v1/sandboxes/" + sandbox.id() + "/proxy/44772/ping").status())
        .isEqualTo(200);
    var missing = anonymous.send("GET", "/v1/sandboxes");
    assertThat(missing.status()).isEqualTo(401);
    assertThat(missing.json().text("code")).isEqualTo("MISSING_API_KEY");
    var wrong = root(Map.of("OPEN-SANDBOX-API-KEY", "wrong")).send("GET", "/v1/sandboxes");
    assertThat(wrong.status()).isEqualTo(401);
    assertThat(wrong.json().text("code")).isEqualTo("INVALID_API_KEY");
  }

  @Test
  void commandsRunThroughTheServerProxyToo() {
    var execd = server.execd(sandbox.id(), true, Duration.ofSeconds(60));

    var execution = execd.run("echo through; exit 4");

    assertThat(execution.stdout()).containsExactly("through");
    assertThat(execution.exitCode()).isEqualTo(4);
  }

  @Test
  void errors_haveAnEnvelopeAndTheRequestId() {
    var http =
        root(
            Map.of("OPEN-SANDBOX-API-KEY", Testbed.process().key(), "X-Request-ID", "e2e-request"));

    for (var path : List.of("/v1/sandboxes/" + UUID.randomUUID(), "/v1/no/such/route")) {
      var reply = http.send("GET", path);

      assertThat(reply.status()).isEqualTo(404);
      assertThat(reply.header("Content-Type").orElseThrow()).startsWith("application/json");
      assertThat(reply.header("X-Request-ID")).hasValue("e2e-request");
      assertThat(reply.json().text("code")).isNotBlank();
      assertThat(reply.json().text("message")).isNotBlank();
    }
  }

  @Test
  void wrongMethod_is405WithEnvelope() {
    var reply = server.http().send("PATCH", "/sandboxes");

    assertThat(reply.status()).isEqualTo(405);
    assertThat(reply.json().text("code")).isNotBlank();
  }

  @Test
  void delete_is204WithoutBody_andThen404() {
    try (var created = Testbed.create(Images.PYTHON)) {
      var first = server.http().send("DELETE", "/sandboxes/" + created.id());
      var second = server.http().send("DELETE", "/sandboxes/" + created.id());

      assertThat(first.status()).isEqualTo(204);
      assertThat(first.body()).isEmpty();
      assertThat(second.status()).isEqualTo(404);
      assertThat(second.json().text("code")).isEqualTo("DOCKER::SANDBOX_NOT_FOUND");
    }
  }

  @Test
  void renew_acceptsSevenFractionalDigits_andEarlierInstants() {
    var earlier = "2099-01-01T00:00:00.1234567Z";
    var path = "/sandboxes/" + sandbox.id() + "/renew-expiration";

    try (var created = Testbed.create(Images.PYTHON)) {
      var renewPath = path.replace(sandbox.id(), created.id());
      var far = server.http().sendJson("POST", renewPath, Map.of("expiresAt", earlier));
      assertThat(far.status()).isEqualTo(200);
      assertThat(OffsetDateTime.parse(far.json().text("expiresAt")).toInstant())
          .isBetween(
              Instant.parse("2099-01-01T00:00:00.123456Z"),
              Instant.parse("2099-01-01T00:00:00.123457Z"));
      var near = Instant.now().plusSeconds(300);
      assertThat(server.renew(created.id(), near).text("expiresAt")).isNotBlank();
      assertThat(OffsetDateTime.parse(server.get(created.id()).text("expiresAt")).toInstant())
          .isBefore(near.plusSeconds(1));
    }
  }

  @Test
  void listFilters_acceptBothEncodings_andPage() {
    var mark = UUID.randomUUID().toString();
    var request = Server.request(Images.PYTHON.reference());
    request.put("metadata", Map.of("example.com/mark", mark, Testbed.RUN_KEY, Testbed.RUN));
    try (var one = Testbed.create(request);
        var two = Testbed.create(request)) {
      var plain = server.list("?metadata=example.com%2Fmark%3D" + mark + "&pageSize=1");
      var twice = server.list("?metadata=example.com%252Fmark%3D" + mark);
      var none = server.list("?metadata=example.com%2Fmark%3Dother");
      var stopped = server.list("?state=Paused&state=Failed&metadata=example.com%2Fmark%3D" + mark);

      assertThat(plain.at("pagination").toString())
          .isEqualTo(
              Json.parse(
                      "{\"page\":1,\"pageSize\":1,\"totalItems\":2,\"totalPages\":2,"
                          + "\"hasNextPage\":true}")
                  .toString());
      assertThat(plain.at("items").items()).hasSize(1);
      assertThat(twice.at("items").items())
          .extracting(item -> item.text("id"))
          .containsExactlyInAnyOrder(one.id(), two.id());
      assertThat(none.at("pagination").number("totalPages")).isZero();
      assertThat(stopped.at("items").items()).isEmpty();
    }
  }

  @Test
  void createBodyMayArriveChunked() {
    var body =
        Json.write(Server.request(Images.PYTHON.reference())).getBytes(StandardCharsets.UTF_8);
    var reply =
        server
            .http()
            .sendBody(
                "POST",
                "/sandboxes",
                "application/json",
                BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)));

    assertThat(reply.status()).isEqualTo(202);
    server.delete(reply.json().text("id"));
  }

  private Http root(Map<String, String> headers) {
    return server.http().at(Testbed.process().url(), headers);
  }
}
