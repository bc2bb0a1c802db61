package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.FakeRuntime;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every way in which a create is refused, with its status and code; nothing is made.
class CreateValidationTest {
  @TempDir static Path folder;
  private static TestServer server;

  @BeforeAll
  static void start() {
    server =
        TestServer.start(
            folder,
            new FakeRuntime(),
            new FakeClock(),
            """
            server.max_sandbox_timeout_seconds = 86400
            storage.allowed_host_paths = ["/srv/data", "/srv/slash/"]
            """);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static final String PARAMETER = "SANDBOX::INVALID_PARAMETER";
  private static final String LABEL = "SANDBOX::INVALID_METADATA_LABEL";
  private static final String ENTRYPOINT = "DOCKER::INVALID_ENTRYPOINT";

  private static Arguments refused(String body, int status, String code) {
    return Arguments.of(body, status, code);
  }

  private static Arguments member(String more, String code) {
    return refused(TestServer.body("," + more), 400, code);
  }

  private static Arguments windows(String limit, String tooLittle) {
    return refused(
        "{\"image\":{\"uri\":\"w\"},\"entrypoint\":[\"a\"],\"resourceLimits\":{\""
            + limit
            + "\":\""
            + tooLittle
            + "\"},\"platform\":{\"os\":\"windows\",\"arch\":\"amd64\"}}",
        400,
        PARAMETER);
  }

  private static Arguments volume(String volume, String code) {
    return member("\"volumes\":[" + volume + "]", code);
  }

  private static String pvc(String more) {
    return "{\"name\":\"v\",\"mountPath\":\"/data\",\"pvc\":{\"claimName\":\"c\"}" + more + "}";
  }

  private static String host(String path) {
    return "{\"name\":\"v\",\"mountPath\":\"/data\",\"host\":{\"path\":\"" + path + "\"}}";
  }

  private static String ossfs(String more) {
    return "{\"name\":\"v\",\"mountPath\":\"/data\",\"ossfs\":{\"bucket\":\"bucket\","
        + "\"endpoint\":\"oss.test\",\"accessKeyId\":\"id\",\"accessKeySecret\":\"top-secret\""
        + more
        + "}}";
  }

  static Stream<Arguments> shapes() {
    return Stream.of(
        refused("{}", 400, PARAMETER),
        refused("{\"image\":{\"uri\":\"busybox\"},\"resourceLimits\":{}}", 400, ENTRYPOINT),
        refused("{\"image\":{\"uri\":\"busybox\"},\"entrypoint\":[\"a\"]}", 400, PARAMETER),
        refused(
            "{\"image\":{\"uri\":\"busybox\"},\"entrypoint\":[\"a\"],\"resourceLimits\":null}",
            400,
            PARAMETER),
        refused(
            "{\"image\":{\"uri\":\" \"},\"entrypoint\":[\"a\"],\"resourceLimits\":{}}",
            400,
            PARAMETER),
        refused("{\"image\":{},\"entrypoint\":[\"a\"],\"resourceLimits\":{}}", 400, PARAMETER),
        refused(
            "{\"image\":\"busybox\",\"entrypoint\":[\"a\"],\"resourceLimits\":{}}", 400, PARAMETER),
        refused(
            "{\"image\":{\"uri\":\"busybox\"},\"entrypoint\":[],\"resourceLimits\":{}}",
            400,
            ENTRYPOINT),
        refused(
            "{\"image\":{\"uri\":\"busybox\"},\"entrypoint\":[1],\"resourceLimits\":{}}",
            400,
            ENTRYPOINT),
        refused(
            "{\"image\":{\"uri\":\"busybox\"},\"entrypoint\":\"a\",\"resourceLimits\":{}}",
            400,
            ENTRYPOINT),
        refused(
            "{\"image\":{\"uri\":\"busybox\"},\"entrypoint\":[\"sh -c 'x\"],\"resourceLimits\":{}}",
            400,
            ENTRYPOINT),
        refused(
            "{\"image\":{\"uri\":\"busybox\"},\"entrypoint\":[\"   \"],\"resourceLimits\":{}}",
            400,
            ENTRYPOINT),
        refused(
            "{\"image\":{\"uri\":\"busybox\",\"auth\":{\"username\":\"u\"}},"
                + "\"entrypoint\":[\"a\"],\"resourceLimits\":{}}",
            400,
            PARAMETER),
        refused(
            "{\"image\":{\"uri\":\"busybox\",\"auth\":{\"password\":\"p\"}},"
                + "\"entrypoint\":[\"a\"],\"resourceLimits\":{}}",
            400,
            PARAMETER),
        refused(
            "{\"image\":{\"uri\":7},\"entrypoint\":[\"a\"],\"resourceLimits\":{}}", 400, PARAMETER),
        member("\"snapshotId\":\"x\"", PARAMETER),
        refused("{\"snapshotId\":\"x\",\"resourceLimits\":{}}", 404, "SNAPSHOT::NOT_FOUND"),
        member("\"timeout\":59", PARAMETER),
        member("\"timeout\":0", PARAMETER),
        member("\"timeout\":-1", PARAMETER),
        member("\"timeout\":60.5", PARAMETER),
        member("\"timeout\":\"x\"", PARAMETER),
        member("\"timeout\":true", PARAMETER),
        member("\"timeout\":[]", PARAMETER),
        member("\"timeout\":86401", PARAMETER),
        member("\"timeout\":1e300", PARAMETER),
        member("\"timeout\":99999999999999999999", PARAMETER),
        member("\"env\":{\"A\":1}", PARAMETER),
        member("\"env\":[]", PARAMETER),
        member("\"env\":{\"A=B\":\"x\"}", PARAMETER),
        member("\"env\":{\"\":\"x\"}", PARAMETER),
        member("\"resourceLimits\":{\"cpu\":1}", PARAMETER),
        member("\"platform\":{\"os\":\"linux\"}", PARAMETER),
        member("\"platform\":{\"os\":\"plan9\",\"arch\":\"amd64\"}", PARAMETER),
        member("\"platform\":{\"os\":\"linux\",\"arch\":\"mips\"}", PARAMETER),
        member("\"platform\":{\"os\":1,\"arch\":\"amd64\"}", PARAMETER),
        member("\"platform\":{\"arch\":\"amd64\"}", PARAMETER),
        windows("cpu", "1"),
        windows("memory", "3G"),
        windows("disk", "63G"),
        windows("storage", "63G"),
        windows("ephemeral-storage", "63G"),
        member("\"secureAccess\":true", PARAMETER),
        member("\"secureAccess\":\"yes\"", PARAMETER),
        member("\"networkPolicy\":{}", PARAMETER),
        member("\"networkPolicy\":{\"egress\":[{\"action\":\"allow\"}]}", PARAMETER),
        member("\"networkPolicy\":{\"egress\":[{\"action\":\"a\",\"target\":\"\"}]}", PARAMETER),
        member("\"credentialProxy\":{\"enabled\":true}", PARAMETER));
  }

  static Stream<Arguments> metadata() {
    return Stream.of(
        member("\"metadata\":{\"a\":null}", LABEL),
        member("\"metadata\":{\"a\":1}", LABEL),
        member("\"metadata\":[]", PARAMETER),
        member("\"metadata\":{\"opensandbox.io/id\":\"x\"}", LABEL),
        member("\"metadata\":{\"\":\"x\"}", LABEL),
        member("\"metadata\":{\"-a\":\"x\"}", LABEL),
        member("\"metadata\":{\"a b\":\"x\"}", LABEL),
        member("\"metadata\":{\"/a\":\"x\"}", LABEL),
        member("\"metadata\":{\"a/\":\"x\"}", LABEL),
        member("\"metadata\":{\"A.b/c\":\"x\"}", LABEL),
        member("\"metadata\":{\"a/b/c\":\"x\"}", LABEL),
        member("\"metadata\":{\"" + "k".repeat(64) + "\":\"x\"}", LABEL),
        member("\"metadata\":{\"" + "p".repeat(254) + "/k\":\"x\"}", LABEL),
        member("\"metadata\":{\"a\":\"" + "v".repeat(64) + "\"}", LABEL),
        member("\"metadata\":{\"a\":\"x y\"}", LABEL),
        member("\"metadata\":{\"a\":\"x.\"}", LABEL));
  }

  static Stream<Arguments> extensions() {
    return Stream.of(
        member("\"extensions\":{\"access.renew.extend.seconds\":\"299\"}", PARAMETER),
        member("\"extensions\":{\"access.renew.extend.seconds\":\"86401\"}", PARAMETER),
        member("\"extensions\":{\"access.renew.extend.seconds\":\"\"}", PARAMETER),
        member("\"extensions\":{\"access.renew.extend.seconds\":\"5m\"}", PARAMETER),
        member("\"extensions\":{\"access.renew.extend.seconds\":300}", PARAMETER),
        refused("{\"extensions\":{\"poolRef\":\"p\"}}", 404, "KUBERNETES::POOL_NOT_FOUND"),
        refused("{\"extensions\":{\"poolRef\":\"p\"},\"snapshotId\":\"s\"}", 400, PARAMETER),
        refused(
            "{\"extensions\":{\"poolRef\":\"p\"},\"credentialProxy\":{\"enabled\":true}}",
            400,
            PARAMETER),
        member("\"extensions\":[]", PARAMETER),
        member("\"extensions\":{\"a\":1}", PARAMETER),
        member("\"extensions\":{\"a\":null}", PARAMETER),
        // What a create refers to is looked at before its metadata and all that follows.
        refused(
            "{\"extensions\":{\"poolRef\":\"p\"},\"metadata\":{\"-\":\"\"}}",
            404,
            "KUBERNETES::POOL_NOT_FOUND"),
        refused(
            "{\"snapshotId\":\"x\",\"resourceLimits\":{},\"metadata\":{\"-\":\"\"},"
                + "\"platform\":{\"os\":\"mac\",\"arch\":\"x\"},\"timeout\":86401}",
            404,
            "SNAPSHOT::NOT_FOUND"),
        refused(
            "{\"snapshotId\":\"x\",\"resourceLimits\":{},"
                + "\"extensions\":{\"access.renew.extend.seconds\":\"1\"}}",
            400,
            PARAMETER),
        member("\"credentialProxy\":{\"enabled\":\"maybe\"}", PARAMETER),
        member("\"credentialProxy\":true", PARAMETER),
        member("\"networkPolicy\":[]", PARAMETER),
        member("\"resourceLimits\":[]", PARAMETER),
        member("\"snapshotId\":7", PARAMETER));
  }

  static Stream<Arguments> volumes() {
    return Stream.of(
        volume("1", PARAMETER),
        member("\"volumes\":{}", PARAMETER),
        volume("{\"mountPath\":\"/d\",\"pvc\":{\"claimName\":\"c\"}}", "VOLUME::INVALID_NAME"),
        volume(pvc("").replace("\"v\"", "\"V\""), "VOLUME::INVALID_NAME"),
        volume(pvc("").replace("\"v\"", "\"" + "v".repeat(64) + "\""), "VOLUME::INVALID_NAME"),
        volume(pvc("").replace("/data", "data"), "VOLUME::INVALID_MOUNT_PATH"),
        volume(pvc("").replace("/data", "/a:b"), "VOLUME::INVALID_MOUNT_PATH"),
        volume(pvc("").replace("/data", "/opt/opensandbox"), "VOLUME::INVALID_MOUNT_PATH"),
        volume(pvc("").replace("/data", "/opt/./opensandbox/x"), "VOLUME::INVALID_MOUNT_PATH"),
        volume(pvc("").replace("\"v\"", "7"), "VOLUME::INVALID_NAME"),
        volume(pvc("").replace("\"/data\"", "7"), "VOLUME::INVALID_MOUNT_PATH"),
        volume("{\"name\":\"v\",\"pvc\":{\"claimName\":\"c\"}}", "VOLUME::INVALID_MOUNT_PATH"),
        volume("{\"name\":\"v\",\"mountPath\":\"/d\"}", "VOLUME::INVALID_BACKEND"),
        volume(pvc(",\"host\":{\"path\":\"/srv/data\"}"), "VOLUME::INVALID_BACKEND"),
        member(
            "\"volumes\":[" + pvc("") + "," + pvc("").replace("/data", "/other") + "]",
            "VOLUME::DUPLICATE_NAME"),
        volume(pvc(",\"subPath\":\"/x\""), "VOLUME::INVALID_SUB_PATH"),
        volume(pvc(",\"subPath\":\"a/../b\""), "VOLUME::INVALID_SUB_PATH"),
        volume(pvc(",\"subPath\":\"..\""), "VOLUME::INVALID_SUB_PATH"),
        volume(pvc(",\"subPath\":7"), "VOLUME::INVALID_SUB_PATH"),
        volume(pvc(",\"readOnly\":\"maybe\""), PARAMETER),
        volume(pvc("").replace("\"c\"", "\"c\",\"createIfNotExists\":\"x\""), PARAMETER),
        volume(pvc("").replace("\"c\"", "\"C_1\""), "VOLUME::INVALID_PVC_NAME"),
        volume(pvc("").replace("\"c\"", "\"" + "c".repeat(254) + "\""), "VOLUME::INVALID_PVC_NAME"),
        volume(pvc("").replace("\"c\"", "\"c\",\"storage\":\"1 Gi\""), PARAMETER),
        volume(pvc("").replace("\"c\"", "\"c\",\"accessModes\":\"x\""), PARAMETER),
        volume(
            pvc("").replace("\"c\"", "\"missing\",\"createIfNotExists\":false"),
            "VOLUME::PVC_NOT_FOUND"),
        volume(pvc("").replace("\"claimName\":\"c\"", ""), "VOLUME::INVALID_PVC_NAME"),
        volume(host("x").replace("\"path\":\"x\"", ""), "VOLUME::INVALID_HOST_PATH"),
        volume(host("x").replace("\"x\"", "7"), "VOLUME::INVALID_HOST_PATH"),
        volume(host("C:\\\\srv\\\\..\\\\x"), "VOLUME::INVALID_HOST_PATH"),
        volume(host("relative"), "VOLUME::INVALID_HOST_PATH"),
        volume(host("/srv/data/../x"), "VOLUME::INVALID_HOST_PATH"),
        volume(host("/srv//data"), "VOLUME::INVALID_HOST_PATH"),
        volume(host("/srv/data/"), "VOLUME::INVALID_HOST_PATH"),
        volume(host("/srv/da:ta"), "VOLUME::INVALID_HOST_PATH"),
        volume(host("/srv/database"), "VOLUME::HOST_PATH_NOT_ALLOWED"),
        volume(host("/"), "VOLUME::HOST_PATH_NOT_ALLOWED"),
        volume(host("C:/srv/data"), "VOLUME::HOST_PATH_NOT_ALLOWED"),
        volume(ossfs("").replace("\"bucket\",", "\"bu\","), "VOLUME::INVALID_OSSFS_BUCKET"),
        volume(ossfs("").replace("\"bucket\",", "\"   \","), "VOLUME::INVALID_OSSFS_BUCKET"),
        volume(ossfs("").replace("oss.test", ""), "VOLUME::INVALID_OSSFS_ENDPOINT"),
        volume(ossfs("").replace("oss.test", " "), "VOLUME::INVALID_OSSFS_ENDPOINT"),
        volume(ossfs(",\"version\":\"3.0\""), "VOLUME::INVALID_OSSFS_VERSION"),
        volume(ossfs(",\"options\":[\"-o\"]"), "VOLUME::INVALID_OSSFS_OPTION"),
        volume(ossfs(",\"options\":[\" \"]"), "VOLUME::INVALID_OSSFS_OPTION"),
        volume(ossfs("").replace("\"bucket\":\"bucket\",", ""), "VOLUME::INVALID_OSSFS_BUCKET"),
        volume(
            ossfs("").replace("\"endpoint\":\"oss.test\",", ""), "VOLUME::INVALID_OSSFS_ENDPOINT"),
        volume(ossfs("").replace("}}", "},\"subPath\":\"../x\"}"), "VOLUME::INVALID_SUB_PATH"),
        volume(ossfs(",\"options\":[\"a;b\"]"), PARAMETER),
        volume(ossfs("").replace("oss.test", "oss$(x)"), PARAMETER),
        volume(ossfs("").replace("\"bucket\",", "\"Bucket\","), PARAMETER),
        volume(
            ossfs("").replace("\"accessKeySecret\":\"top-secret\"", "\"x\":\"y\""),
            "VOLUME::INVALID_OSSFS_CREDENTIALS"),
        volume(ossfs("").replace("\"id\"", "\"\""), "VOLUME::INVALID_OSSFS_CREDENTIALS"));
  }

  @ParameterizedTest
  @MethodSource({"shapes", "metadata", "extensions", "volumes"})
  void isRefusedAndNothingIsMade(String body, int status, String code) {
    var answer = server.send("POST", "/v1/sandboxes", body);

    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.text("code")).as(answer.body()).isEqualTo(code);
    assertThat(answer.text("message")).isNotBlank().doesNotContain("top-secret");
    assertThat(server.runtime().calls(FakeRuntime.Step.CREATE)).isZero();
    assertThat(server.send("GET", "/v1/sandboxes").body()).contains("\"totalItems\":0");
  }

  /// What clients send and must not be refused: nulls, empty maps, unknown members, coercions.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"timeout\":null,\"env\":null,\"metadata\":null,\"volumes\":null,\"extensions\":null,"
            + "\"platform\":null,\"networkPolicy\":null,\"credentialProxy\":null,"
            + "\"snapshotId\":null,\"secureAccess\":null",
        "\"secureAccess\":\"No\",\"credentialProxy\":{\"enabled\":0}",
        "\"env\":{},\"metadata\":{},\"volumes\":[],\"extensions\":{}",
        "\"env\":{\"A\":null,\"B\":\"\"}",
        "\"unknown\":{\"x\":[1,2]},\"resourceRequests\":{}",
        "\"timeout\":60",
        "\"timeout\":60.0",
        "\"timeout\":\"70\"",
        "\"timeout\":86400",
        "\"snapshotId\":\" \"",
        "\"platform\":{\"os\":\" Linux \",\"arch\":\"AMD64\"}",
        "\"metadata\":{\"a\":\"\",\"a.b/C_d.e\":\"x-1\"}",
        "\"extensions\":{\"access.renew.extend.seconds\":\" 300 \",\"other\":\"x\"}",
        "\"resource_limits\":{\"cpu\":\"inf\",\"memory\":\"lots\",\"gpu\":\"-1\",\"x\":\"y\"}",
        "\"credentialProxy\":{\"enabled\":false}"
      })
  void isAccepted(String more) {
    var other = TestServer.start(folder.resolve(Integer.toHexString(more.hashCode())));
    try (other) {
      var answer = other.send("POST", "/v1/sandboxes", TestServer.body("," + more));

      assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    }
  }

  @Test
  void missingImageIsTheRuntimesErrorAndNothingIsLeft() {
    var answer =
        server.send(
            "POST", "/v1/sandboxes", TestServer.body("").replace("busybox", "nobody/nothing"));

    assertThat(answer.status()).isEqualTo(500);
    assertThat(answer.text("code")).isEqualTo("DOCKER::SANDBOX_IMAGE_PULL_FAILED");
    assertThat(server.send("GET", "/v1/sandboxes").body()).contains("\"totalItems\":0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"user:s3cret@reg.example/img", "s3cret@reg/img", "https://u:s3cret@r/i"})
  void aLoginInAReferenceIsRefusedAndNotRepeated(String uri) {
    var answer = server.send("POST", "/v1/sandboxes", TestServer.body("").replace("busybox", uri));

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.text("code")).isEqualTo(PARAMETER);
    assertThat(answer.text("message")).contains("image.auth").doesNotContain("s3cret");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"reg.example/img@sha256:0123", "oci:/srv/images@new/demo", "img@sha256:01"})
  void aDigestIsNoLogin(String uri) {
    var answer = server.send("POST", "/v1/sandboxes", TestServer.body("").replace("busybox", uri));

    assertThat(answer.text("code")).isEqualTo("DOCKER::SANDBOX_IMAGE_PULL_FAILED");
  }
}
