package io.opensandbox.e2e.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Json;
import io.opensandbox.e2e.wire.Server;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Requests that must be refused with the contract's status and code, and that leave nothing
/// behind.
class BadInputIT {
  private static final String MARK = UUID.randomUUID().toString();
  private final Server server = Testbed.server();

  static Stream<Arguments> badCreates() {
    return Stream.of(
        bad("no image", 400, "SANDBOX::", body -> body.remove("image")),
        bad("blank image", 400, "SANDBOX::", body -> body.put("image", Map.of("uri", " "))),
        bad("no entrypoint", 400, "", body -> body.remove("entrypoint")),
        bad(
            "empty entrypoint",
            400,
            "DOCKER::INVALID_ENTRYPOINT",
            body -> body.put("entrypoint", List.of())),
        bad("no resource limits", 400, "", body -> body.remove("resourceLimits")),
        bad("timeout 59", 400, "SANDBOX::INVALID_PARAMETER", body -> body.put("timeout", 59)),
        bad("negative timeout", 400, "SANDBOX::", body -> body.put("timeout", -1)),
        bad("timeout as text", 400, "SANDBOX::", body -> body.put("timeout", "soon")),
        bad("entrypoint as text", 400, "", body -> body.put("entrypoint", "sh")),
        bad(
            "reserved metadata",
            400,
            "",
            body -> body.put("metadata", Map.of("opensandbox.io/x", "y"))),
        bad(
            "metadata with a blank",
            400,
            "",
            body -> body.put("metadata", Map.of("k", "two words"))),
        bad(
            "secure access without gateway",
            400,
            "SANDBOX::INVALID_PARAMETER",
            body -> body.put("secureAccess", true)),
        bad(
            "relative mount path",
            400,
            "VOLUME::",
            body ->
                body.put(
                    "volumes",
                    List.of(
                        Map.of(
                            "name", "v", "mountPath", "data", "pvc", Map.of("claimName", "c"))))),
        bad(
            "bad volume name",
            400,
            "VOLUME::",
            body ->
                body.put(
                    "volumes",
                    List.of(
                        Map.of("name", "V_", "mountPath", "/d", "pvc", Map.of("claimName", "c"))))),
        bad(
            "host path outside the allowlist",
            400,
            "VOLUME::HOST_PATH_NOT_ALLOWED",
            body ->
                body.put(
                    "volumes",
                    List.of(
                        Map.of("name", "v", "mountPath", "/d", "host", Map.of("path", "/etc"))))),
        bad(
            "two backends",
            400,
            "VOLUME::",
            body ->
                body.put(
                    "volumes",
                    List.of(
                        Map.of(
                            "name",
                            "v",
                            "mountPath",
                            "/d",
                            "host",
                            Map.of("path", "/tmp"),
                            "pvc",
                            Map.of("claimName", "c"))))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badCreates")
  void badCreate_isRefused_andLeavesNothing(
      String title, int status, String code, Consumer<Map<String, Object>> spoil) {
    var body = new LinkedHashMap<>(Server.request(Images.PYTHON.reference()));
    body.put("metadata", Map.of("bad-input", MARK));
    spoil.accept(body);

    var reply = server.http().sendJson("POST", "/sandboxes", body);

    assertThat(reply.status()).as(reply.text()).isEqualTo(status);
    assertThat(reply.json().text("code")).startsWith(code);
    assertThat(reply.json().text("message")).isNotBlank();
    assertThat(leftovers()).isEmpty();
  }

  @Test
  void missingImage_fails_andLeavesNothingRunning() {
    var body = Server.request("opensandbox/no-such-image:" + MARK.substring(0, 8));
    body.put("metadata", Map.of("bad-input", MARK));

    var reply = server.http().sendJson("POST", "/sandboxes", body);

    if (reply.status() == 202) { // accepted as Pending: the failure shows in its state
      var id = reply.json().text("id");
      Deadline.in(Duration.ofSeconds(60))
          .await(
              () -> server.get(id).at("status").text("state").equals("Failed"),
              "a sandbox without an image does not become Failed");
      assertThat(server.get(id).at("status").text("message")).contains("no-such-image");
      server.delete(id);
    } else {
      assertThat(reply.status()).isEqualTo(500);
      assertThat(reply.json().text("code")).isEqualTo("DOCKER::SANDBOX_IMAGE_PULL_FAILED");
    }
    assertThat(leftovers()).isEmpty();
  }

  @Test
  void badImageName_fails() {
    var body = Server.request("Bad Image:::name");
    body.put("metadata", Map.of("bad-input", MARK));

    var reply = server.http().sendJson("POST", "/sandboxes", body);

    assertThat(reply.status()).isGreaterThanOrEqualTo(400);
    assertThat(reply.json().text("code")).isNotBlank();
    assertThat(reply.json().text("message")).isNotBlank();
    assertThat(leftovers()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("malformedBodies")
  void malformedBody_is400(String body) {
    var reply =
        server
            .http()
            .sendBody("POST", "/sandboxes", "application/json", BodyPublishers.ofString(body));

    assertThat(reply.status()).as(reply.text()).isEqualTo(400);
    assertThat(reply.json().text("code")).isNotBlank();
  }

  static Stream<String> malformedBodies() {
    return Stream.of("", "null", "[]", "{", "{\"image\":", "\"text\"", "\u0000");
  }

  @Test
  void twentyMegabytesOfJson_areRefused() {
    var body = Server.request(Images.PYTHON.reference());
    body.put("env", Map.of("BIG", "x".repeat(20_000_000)));
    body.put("metadata", Map.of("bad-input", MARK));

    var reply = server.http().sendJson("POST", "/sandboxes", body);

    assertThat(reply.status()).as(reply.text()).isIn(400, 413);
    assertThat(reply.json().text("code")).isNotBlank();
    assertThat(leftovers()).isEmpty();
    assertThat(server.isHealthy()).isTrue();
  }

  @Test
  void badPorts_are400() {
    try (var sandbox = Testbed.create(Images.BUSYBOX)) {
      for (var port : List.of("-1", "0", "65536", "abc", "99999999999")) {
        var reply = server.http().send("GET", "/sandboxes/" + sandbox.id() + "/endpoints/" + port);

        assertThat(reply.status()).as(port + ": " + reply.text()).isEqualTo(400);
        assertThat(reply.json().text("code")).as(port).isNotBlank();
      }
    }
  }

  @Test
  void badPages_are400() {
    for (var query : List.of("page=0", "page=-1", "page=x", "pageSize=0", "pageSize=201")) {
      var reply = server.http().send("GET", "/sandboxes?" + query);

      assertThat(reply.status()).as(query).isEqualTo(400);
      assertThat(reply.json().text("code")).as(query).isNotBlank();
    }
    var format = server.http().send("GET", "/sandboxes?metadata=novalue");
    assertThat(format.status()).isEqualTo(400);
    assertThat(format.json().text("code")).endsWith("INVALID_METADATA_FORMAT");
  }

  @Test
  void renewIntoThePast_is400() {
    try (var sandbox = Testbed.create(Images.BUSYBOX)) {
      for (var instant : List.of("2001-01-01T00:00:00Z", "soon", "")) {
        var reply =
            server
                .http()
                .sendJson(
                    "POST",
                    "/sandboxes/" + sandbox.id() + "/renew-expiration",
                    Map.of("expiresAt", instant));

        assertThat(reply.status()).as(instant).isEqualTo(400);
        assertThat(reply.json().text("code")).as(instant).isNotBlank();
      }
    }
  }

  @Test
  void idsWithNulOrDots_areNotFoundOr400() {
    for (var id : List.of("a%00b", "..", "%2e%2e", "not-a-uuid")) {
      var reply = server.http().send("GET", "/sandboxes/" + id);

      assertThat(reply.status()).as(id).isIn(400, 404);
      assertThat(reply.json().text("code")).as(id).isNotBlank();
    }
  }

  private List<Json> leftovers() {
    return server.list("?" + Server.metadataQuery("bad-input", MARK)).at("items").items();
  }

  private static Arguments bad(
      String title, int status, String code, Consumer<Map<String, Object>> spoil) {
    return Arguments.of(title, status, code, spoil);
  }
}
