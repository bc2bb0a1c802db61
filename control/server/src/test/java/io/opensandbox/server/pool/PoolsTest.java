package io.opensandbox.server.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.execd.LateEnvironment;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.runtime.FakeRuntime.Step;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.server.CrashedStore;
import io.opensandbox.server.FakeClock;
import io.opensandbox.server.FakeExecd;
import io.opensandbox.server.TestServer;
import io.opensandbox.server.TestServer.Answer;
import io.opensandbox.server.json.Json;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Pools on the real server over the in-memory runtime.
class PoolsTest {
  private static final String IMAGE = "busybox";

  @TempDir Path folder;
  private final FakeRuntime runtime = new FakeRuntime();
  private final FakeClock clock = new FakeClock();
  private final FakeExecd execd = new FakeExecd();
  private final List<TestServer> crashed = new ArrayList<>();
  private TestServer server;

  @BeforeEach
  void start() {
    execd.serve(runtime);
    server = TestServer.start(folder, runtime, clock, "");
  }

  @AfterEach
  void stop() {
    execd.beforePing(() -> {});
    runtime.intercept((_, _) -> {});
    server.close();
    crashed.forEach(TestServer::close);
    runtime.close();
    execd.close();
  }

  @Test
  void aPoolIsMadeReadChangedListedAndRemoved() {
    Answer made = server.send("POST", "/v1/pools", pool("p", 0, 0, 0, 0));
    assertThat(made.status()).as(made.body()).isEqualTo(201);
    assertThat(made.body())
        .startsWith(
            "{\"name\":\"p\",\"capacitySpec\":{\"bufferMax\":0,\"bufferMin\":0,\"poolMax\":0,"
                + "\"poolMin\":0},\"status\":{\"total\":0,\"allocated\":0,\"available\":0,"
                + "\"revision\":\"")
        .contains("\"createdAt\":\"");
    assertThat(server.send("GET", "/v1/pools/p").body()).isEqualTo(made.body());
    assertThat(server.send("GET", "/pools").body()).isEqualTo("{\"items\":[" + made.body() + "]}");

    Answer changed = server.send("PUT", "/v1/pools/p", "{" + capacity(0, 1, 5, 0) + "}");
    assertThat(changed.status()).isEqualTo(200);
    assertThat(changed.body()).contains("\"bufferMax\":1").contains("\"poolMax\":5");

    assertThat(server.send("DELETE", "/v1/pools/p").status()).isEqualTo(204);
    assertThat(server.send("GET", "/v1/pools").body()).isEqualTo("{\"items\":[]}");
    for (var method : List.of("GET", "DELETE")) {
      assertError(server.send(method, "/v1/pools/p"), 404, "KUBERNETES::POOL_NOT_FOUND");
    }
    assertError(
        server.send("PUT", "/v1/pools/p", "{" + capacity(0, 0, 0, 0) + "}"),
        404,
        "KUBERNETES::POOL_NOT_FOUND");
  }

  @Test
  void aNameIsTakenOnce() {
    server.send("POST", "/v1/pools", pool("p", 0, 0, 0, 0));

    assertError(
        server.send("POST", "/v1/pools", pool("p", 0, 0, 0, 0)),
        409,
        "KUBERNETES::POOL_ALREADY_EXISTS");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"spec\":{}}",
        "{\"spec\":{\"containers\":[]}}",
        "{\"spec\":{\"containers\":[{}]}}",
        "{\"spec\":{\"containers\":[{\"image\":\" \"}]}}",
        "{\"spec\":{\"containers\":[{\"image\":7}]}}",
        "{\"spec\":{\"containers\":[{\"image\":\"busybox\",\"command\":\"x\"}]}}",
        "{\"spec\":{\"containers\":[{\"image\":\"busybox\",\"env\":[{\"value\":\"x\"}]}]}}",
        "{\"spec\":{\"containers\":[{\"image\":\"busybox\",\"env\":[{\"name\":\"A\","
            + "\"valueFrom\":{}}]}]}}",
        "{\"spec\":{\"containers\":[{\"image\":\"busybox\",\"volumeMounts\":[{\"name\":\"no\","
            + "\"mountPath\":\"/x\"}]}]}}",
        "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"nfs\":{}}],\"containers\":[{\"image\":"
            + "\"busybox\",\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/x\"}]}]}}",
      })
  void aTemplateThatNoMemberCanBeMadeFromIsInvalid(String template) {
    assertError(
        server.send("POST", "/v1/pools", pool("p", template, capacity(0, 0, 0, 0))),
        400,
        "SANDBOX::INVALID_PARAMETER");
    assertThat(server.send("GET", "/v1/pools").body()).isEqualTo("{\"items\":[]}");
  }

  @Test
  void aTemplateWithAForbiddenMountIsRefusedLikeTheMountItself() {
    String template =
        "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":\"/etc\"}}],"
            + "\"containers\":[{\"image\":\"busybox\",\"volumeMounts\":[{\"name\":\"v\","
            + "\"mountPath\":\"/x\"}]}]}}";

    assertError(
        server.send("POST", "/v1/pools", pool("p", template, capacity(0, 0, 0, 0))),
        400,
        "VOLUME::HOST_PATH_NOT_ALLOWED");
  }

  @Test
  void membersAreMadeFromTheTemplateAndSeenByNobody() {
    String template =
        "{\"spec\":{\"initContainers\":[{\"name\":\"execd-installer\"}],"
            + "\"volumes\":[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"data\"}},"
            + "{\"name\":\"e\",\"emptyDir\":{}}],"
            + "\"containers\":[{\"name\":\"other\",\"image\":\"nope\"},{\"name\":\"sandbox\","
            + "\"image\":\"busybox\",\"command\":[\"sleep\"],\"args\":[\"1d\"],"
            + "\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\"}],"
            + "\"resources\":{\"limits\":{\"cpu\":2,\"memory\":\"64Mi\"}},"
            + "\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/data\"},"
            + "{\"name\":\"e\",\"mountPath\":\"/empty\"}]}]}}";
    server.send("POST", "/v1/pools", pool("p", template, capacity(1, 1, 5, 0)));
    awaitAvailable(1);

    String id = runtime.sandboxIds().getFirst();
    var spec = runtime.spec(id);
    assertThat(spec.entrypoint()).containsExactly("sleep", "1d");
    assertThat(spec.env()).containsEntry("A", "1").containsEntry("B", "");
    assertThat(spec.limits().nanoCpus()).hasValue(2_000_000_000L);
    assertThat(spec.limits().memoryBytes()).hasValue(64L << 20);
    assertThat(spec.volumes()).hasSize(1);
    assertThat(spec.labels()).containsEntry("opensandbox.io/pool", "p");
    assertThat(server.send("GET", "/v1/sandboxes").body()).contains("\"totalItems\":0");
    assertThat(server.send("GET", "/metrics").body())
        .contains("opensandbox_pool_sandboxes{pool=\"p\",state=\"available\"} 1")
        .doesNotContain("state=\"Running\"");
    for (var path : List.of("", "/endpoints/80", "/diagnostics/logs")) {
      assertError(
          server.send("GET", "/v1/sandboxes/" + id + path), 404, "DOCKER::SANDBOX_NOT_FOUND");
    }
    assertError(server.send("DELETE", "/v1/sandboxes/" + id), 404, "DOCKER::SANDBOX_NOT_FOUND");
  }

  @Test
  void aClaimGivesAMemberWithWhatTheRequestSaysAndThePoolIsRefilled() {
    makePool(1, 1, 10, 0);
    String member = runtime.sandboxIds().getFirst();

    Answer made = claim(",\"timeout\":600,\"metadata\":{\"team\":\"red\"}");

    assertThat(made.status()).as(made.body()).isEqualTo(202);
    assertThat(made.text("id")).isEqualTo(member);
    assertThat(made.text("status", "state")).isEqualTo("Running");
    assertThat(made.body())
        .contains("\"metadata\":{\"team\":\"red\"}")
        .contains("\"expiresAt\":")
        .contains("\"entrypoint\":[\"tail\",\"-f\",\"/dev/null\"]");
    Answer seen = server.send("GET", "/v1/sandboxes/" + member);
    assertThat(seen.text("image", "uri")).isEqualTo(IMAGE);
    assertThat(seen.text("expiresAt")).isEqualTo(made.text("expiresAt"));
    assertThat(seen.text("createdAt")).isEqualTo(made.text("createdAt"));
    assertThat(server.send("GET", "/v1/sandboxes?metadata=team%3Dred").body()).contains(member);
    awaitAvailable(1);
    assertThat(number("allocated")).isEqualTo(1);
    assertThat(number("total")).isEqualTo(2);
    assertThat(execd.commands()).isEmpty();

    assertThat(server.send("DELETE", "/v1/sandboxes/" + member).status()).isEqualTo(204);
    await("nothing is claimed", () -> number("allocated") == 0);
    assertThat(runtime.sandboxIds()).doesNotContain(member);
  }

  @Test
  void aClaimedSandboxExpires() {
    makePool(1, 1, 10, 0);
    String id = claim(",\"timeout\":60").text("id");

    clock.advance(Duration.ofSeconds(61));

    await("it is gone", () -> server.send("GET", "/v1/sandboxes/" + id).status() == 404);
  }

  @Test
  void environmentAndEntrypointAreAppliedThroughExecd() {
    makePool(1, 1, 10, 0);

    Answer made =
        claim(
            ",\"env\":{\"A\":\"x y\",\"B\":\"\"},"
                + "\"entrypoint\":[\"python3\",\"-c\",\"print('hi')\"]");

    assertThat(made.status()).as(made.body()).isEqualTo(202);
    assertThat(made.body()).contains("\"entrypoint\":[\"python3\",\"-c\",\"print('hi')\"]");
    List<Json.Obj> commands = execd.commands();
    assertThat(commands).hasSize(2);
    assertThat(text(commands.get(0), "command")).contains(">> \"${EXECD_ENVS:?}\"");
    String part = LateEnvironment.BEGIN + "\nA=x y\nB=\n" + LateEnvironment.END;
    assertThat(envs(commands.get(0))).containsEntry("OPENSANDBOX_CLAIM", new Json.Str(part));
    assertThat(text(commands.get(1), "command"))
        .endsWith("exec 'python3' '-c' 'print('\\''hi'\\'')'");
    assertThat(commands.get(1).members()).containsEntry("background", new Json.Bool(true));
    assertThat(envs(commands.get(1))).containsEntry("A", new Json.Str("x y"));
    assertThat(execd.recorded()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ",\"env\":{\"A\":\"$HOME\"}",
        ",\"env\":{\"A\":\"two\\nlines\"}",
        ",\"env\":{\"EXECD_ACCESS_TOKEN\":\"secret\"}",
      })
  void whatCannotBeAppliedToARunningSandboxMakesANewOne(String more) {
    makePool(1, 1, 10, 0);
    String member = runtime.sandboxIds().getFirst();

    Answer made = claim(more);

    assertThat(made.status()).as(made.body()).isEqualTo(202);
    assertThat(made.text("id")).isNotEqualTo(member);
    assertThat(runtime.spec(made.text("id")).env()).isNotEmpty();
    assertThat(number("available")).isEqualTo(1);
  }

  @Test
  void environmentThatIsTooLargeForOneVariableMakesANewSandbox() {
    makePool(1, 1, 10, 0);
    String half = "x".repeat(60_000);

    Answer made = claim(",\"env\":{\"A\":\"" + half + "\",\"B\":\"" + half + "\"}");

    assertThat(made.status()).as(made.body()).isEqualTo(202);
    assertThat(runtime.spec(made.text("id")).env()).containsEntry("B", half);
    assertThat(number("available")).isEqualTo(1);
  }

  @Test
  void imagesThatKeepNoEnvironmentLoseNoMemberToAClaimWithOne() {
    execd.refuseEnvironment();
    makePool(1, 1, 10, 0);
    String member = runtime.sandboxIds().getFirst();

    Answer made = claim(",\"env\":{\"A\":\"1\"}");

    assertThat(made.status()).as(made.body()).isEqualTo(202);
    assertThat(runtime.spec(made.text("id")).env()).containsEntry("A", "1");
    assertThat(runtime.sandboxIds()).contains(member);
    assertThat(claim(",\"entrypoint\":[\"sleep\",\"1\"]").text("id")).isEqualTo(member);
  }

  @Test
  void anEmptyPoolMakesANewSandboxFromItsTemplate() {
    String template =
        "{\"spec\":{\"containers\":[{\"image\":\"busybox\",\"command\":[\"sleep\",\"1d\"],"
            + "\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"1\"}]}]}}";
    server.send("POST", "/v1/pools", pool("p", template, capacity(0, 0, 0, 0)));

    Answer made = claim(",\"timeout\":600,\"env\":{\"B\":\"2\"},\"metadata\":{\"a\":\"b\"}");

    assertThat(made.status()).as(made.body()).isEqualTo(202);
    var spec = runtime.spec(made.text("id"));
    assertThat(spec.entrypoint()).containsExactly("sleep", "1d");
    assertThat(spec.env()).containsEntry("A", "1").containsEntry("B", "2");
    assertThat(spec.labels()).containsEntry("a", "b");
    assertThat(number("total")).isZero();
    assertThat(server.send("GET", "/metrics").body())
        .contains("opensandbox_pool_claims_total{pool=\"p\",warm=\"false\"} 1");
  }

  @Test
  void aPoolThatIsNotThereIsNotFound() {
    Answer made = claim("");

    assertError(made, 404, "KUBERNETES::POOL_NOT_FOUND");
    assertThat(runtime.sandboxIds()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ",\"platform\":{\"os\":\"linux\",\"arch\":\"amd64\"}",
        ",\"volumes\":[{\"name\":\"v\",\"mountPath\":\"/x\",\"pvc\":{\"claimName\":\"c\"}}]",
        ",\"networkPolicy\":{}",
        ",\"snapshotId\":\"s\"",
        ",\"credentialProxy\":{\"enabled\":true}",
        ",\"secureAccess\":true",
        ",\"timeout\":59",
      })
  void whatIsDecidedWhenAMemberIsMadeCannotBeAskedFor(String more) {
    makePool(1, 1, 10, 0);

    assertError(claim(more), 400, "SANDBOX::INVALID_PARAMETER");
    assertThat(number("available")).isEqualTo(1);
  }

  @Test
  void noMemberIsGivenToTwo() throws Exception {
    makePool(6, 6, 6, 0);
    Set<String> members = Set.copyOf(runtime.sandboxIds());

    List<Callable<Answer>> claims = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      claims.add(() -> claim(""));
    }
    Set<String> ids = new HashSet<>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Answer> one : threads.invokeAll(claims)) {
        Answer answer = one.get();
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        ids.add(answer.text("id"));
      }
    }

    assertThat(ids).hasSize(12).containsAll(members);
    assertThat(number("allocated")).isEqualTo(6);
  }

  @Test
  void aRepeatedClaimGetsTheFirstOnesAnswer() {
    makePool(2, 2, 10, 0);

    String first = claimWithKey("k", "").body();
    String again = claimWithKey("k", "").body();
    Answer other = claimWithKey("k", ",\"timeout\":600");

    assertThat(again).isEqualTo(first);
    assertError(other, 409, "GENERAL::IDEMPOTENCY_CONFLICT");
    assertThat(server.send("GET", "/v1/sandboxes").body()).contains("\"totalItems\":1");
  }

  @Test
  void aMemberThatDiesIsReplaced() {
    makePool(1, 1, 10, 0);
    String first = runtime.sandboxIds().getFirst();

    runtime.exit(first, 1);

    await("another is ready", () -> !runtime.sandboxIds().contains(first));
    awaitAvailable(1);
    String second = runtime.sandboxIds().getFirst();
    runtime.vanish(second);
    await(
        "yet another is ready",
        () -> {
          List<String> ids = runtime.sandboxIds();
          return ids.size() == 1 && !ids.contains(second);
        });
    awaitAvailable(1);
  }

  @Test
  void aMemberThatDoesNotAnswerIsNotGivenAway() {
    makePool(1, 1, 10, 0);
    String mute = runtime.sandboxIds().getFirst();
    runtime.setAddress(mute, 44772, new PortAddress("127.0.0.1:1", "", Map.of()));

    Answer made = claim("");

    assertThat(made.status()).as(made.body()).isEqualTo(202);
    assertThat(made.text("id")).isNotEqualTo(mute);
    await("it is gone", () -> !runtime.sandboxIds().contains(mute));
    awaitAvailable(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {",\"env\":{\"A\":\"1\"}", ",\"entrypoint\":[\"serve\"]"})
  void membersOfAnImageWithoutAShellAreKeptForClaimsThatNeedNone(String more) {
    execd.failCommands();
    makePool(1, 1, 10, 0);
    String member = runtime.sandboxIds().getFirst();

    Answer made = claim(more);

    assertThat(made.status()).as(made.body()).isEqualTo(202);
    assertThat(made.text("id")).isNotEqualTo(member);
    assertThat(claim("").text("id")).isEqualTo(member);
  }

  @Test
  void aMemberThatCannotStartTheEntrypointIsNotGivenAway() {
    makePool(1, 1, 10, 0);
    String member = runtime.sandboxIds().getFirst();
    execd.failCommands();

    Answer made = claim(",\"entrypoint\":[\"serve\"]");

    assertThat(made.status()).as(made.body()).isEqualTo(202);
    assertThat(made.text("id")).isNotEqualTo(member);
    assertThat(runtime.spec(made.text("id")).entrypoint()).containsExactly("serve");
  }

  @Test
  void aSmallerCapacityRemovesIdleMembersAndALargerOneMakesSome() {
    makePool(3, 3, 10, 0);
    String claimed = claim("").text("id");

    server.send("PUT", "/v1/pools/p", "{" + capacity(0, 0, 1, 0) + "}");
    await("only the claimed one is left", () -> runtime.sandboxIds().equals(List.of(claimed)));

    server.send("PUT", "/v1/pools/p", "{" + capacity(2, 2, 10, 0) + "}");
    awaitAvailable(2);
  }

  @Test
  void removingAPoolRemovesWhatNobodyClaimed() {
    makePool(2, 2, 10, 0);
    String claimed = claim("").text("id");

    assertThat(server.send("DELETE", "/v1/pools/p").status()).isEqualTo(204);

    await("only the claimed one is left", () -> runtime.sandboxIds().equals(List.of(claimed)));
    assertThat(server.send("GET", "/v1/sandboxes/" + claimed).status()).isEqualTo(200);
    assertError(claim(""), 404, "KUBERNETES::POOL_NOT_FOUND");
  }

  @Test
  void aTemplateThatCannotBeStartedIsTriedAgain() {
    runtime.failNext(Step.CREATE, new SandboxException(ErrorCode.START_FAILED, "no more room"));

    makePool(1, 1, 10, 0);

    assertThat(runtime.sandboxIds()).hasSize(1);
  }

  @Test
  void membersSurviveARestart() throws Exception {
    makePool(2, 2, 10, 0);
    Set<String> before = Set.copyOf(runtime.sandboxIds());

    crashAndStart();
    awaitAvailable(2);

    assertThat(runtime.sandboxIds()).containsExactlyInAnyOrderElementsOf(before);
    assertThat(before).contains(claim("").text("id"));
  }

  @Test
  void aServerThatDiesWhileItMakesAMemberLeavesNone() throws Exception {
    var making = new CountDownLatch(1);
    runtime.intercept((step, id) -> {
      if (step == Step.START) {
        making.countDown();
        block();
      }
    });
    server.send("POST", "/v1/pools", pool("p", 1, 1, 10, 0));
    assertThat(making.await(60, TimeUnit.SECONDS)).isTrue();
    String half = runtime.sandboxIds().getFirst();

    crashAndStart();
    awaitAvailable(1);

    assertThat(runtime.sandboxIds()).hasSize(1).doesNotContain(half);
  }

  @Test
  void aServerThatDiesDuringAClaimLeavesNone() throws Exception {
    makePool(1, 1, 10, 0);
    String member = runtime.sandboxIds().getFirst();
    var claiming = new CountDownLatch(1);
    var looked = new CountDownLatch(1);
    execd.beforePing(() -> {
      claiming.countDown();
      awaitUnlessStopped(looked);
    });
    Thread client =
        Thread.ofVirtual()
            .start(() -> {
              try {
                claim("");
              } catch (RuntimeException _) { // the server goes away under it
                return;
              }
            });
    assertThat(claiming.await(60, TimeUnit.SECONDS)).isTrue();
    await("the claim is written", () -> number("allocated") == 1); // meanwhile, not before

    execd.beforePing(() -> {});
    crashAndStart();
    await("it is gone", () -> !runtime.sandboxIds().contains(member));
    awaitAvailable(1);

    assertThat(server.send("GET", "/v1/sandboxes").body()).doesNotContain(member);
    looked.countDown(); // a server stops when its requests have ended
    assertThat(client.join(Duration.ofSeconds(60))).isTrue();
  }

  @Test
  void aServerThatDiesAfterAPoolWasRemovedRemovesItsMembersLater() throws Exception {
    makePool(1, 1, 10, 0);
    runtime.failNext(Step.REMOVE, new SandboxException(ErrorCode.DELETE_FAILED, "device busy"));
    server.send("DELETE", "/v1/pools/p");

    crashAndStart();

    await("nothing is left", () -> runtime.sandboxIds().isEmpty());
  }

  // ---- helpers

  private void crashAndStart() throws IOException {
    Path copy = CrashedStore.copy(folder);
    crashed.add(server);
    execd.serve(runtime);
    server = TestServer.start(copy, runtime, clock, "");
  }

  private void makePool(int bufferMin, int bufferMax, int poolMax, int poolMin) {
    Answer made =
        server.send("POST", "/v1/pools", pool("p", bufferMin, bufferMax, poolMax, poolMin));
    assertThat(made.status()).as(made.body()).isEqualTo(201);
    awaitAvailable(bufferMin);
  }

  private static String pool(String name, int bufferMin, int bufferMax, int poolMax, int poolMin) {
    return pool(
        name,
        "{\"spec\":{\"containers\":[{\"name\":\"sandbox\",\"image\":\"" + IMAGE + "\"}]}}",
        capacity(bufferMin, bufferMax, poolMax, poolMin));
  }

  private static String pool(String name, String template, String capacity) {
    return "{\"name\":\"" + name + "\",\"template\":" + template + "," + capacity + "}";
  }

  private static String capacity(int bufferMin, int bufferMax, int poolMax, int poolMin) {
    return "\"capacitySpec\":{\"bufferMin\":%d,\"bufferMax\":%d,\"poolMax\":%d,\"poolMin\":%d}"
        .formatted(bufferMin, bufferMax, poolMax, poolMin);
  }

  private Answer claim(String more) {
    return server.send("POST", "/v1/sandboxes", "{\"extensions\":{\"poolRef\":\"p\"}" + more + "}");
  }

  private Answer claimWithKey(String key, String more) {
    String body = "{\"extensions\":{\"poolRef\":\"p\"}" + more + "}";
    return server.send(
        server.request("POST", "/v1/sandboxes", Optional.of(body)).header("Idempotency-Key", key));
  }

  private int number(String name) {
    Answer answer = server.send("GET", "/v1/pools/p");
    return answer.json().member("status") instanceof Json.Obj status
            && status.member(name) instanceof Json.Num(BigDecimal value)
        ? value.intValue()
        : -1;
  }

  private void awaitAvailable(int count) {
    await(count + " members are ready", () -> number("available") == count);
  }

  private static String text(Json.Obj object, String name) {
    return object.member(name) instanceof Json.Str text ? text.value() : "";
  }

  private static Map<String, Json> envs(Json.Obj command) {
    return command.member("envs") instanceof Json.Obj envs ? envs.members() : Map.of();
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  // Until the test is over.
  private static void block() {
    awaitUnlessStopped(new CountDownLatch(1));
  }

  private static void awaitUnlessStopped(CountDownLatch event) {
    try {
      event.await();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("the server stops");
    }
  }

  private static void assertError(Answer answer, int status, String code) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.text("code")).isEqualTo(code);
  }
}
