package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.runtime.FakeRuntime.Step;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every violation that the contract lists for requests other than a create (those are in
/// [CreateValidationTest]), with its status and code. Each row names the section it is from.
class ViolationTableTest {
  @TempDir static Path folder;
  private static final FakeRuntime RUNTIME = new FakeRuntime();
  private static final CountDownLatch CAPTURE = new CountDownLatch(1);
  private static TestServer server;
  private static Map<String, String> names = Map.of();

  @BeforeAll
  static void start() {
    server = TestServer.start(folder, RUNTIME, new FakeClock(), "");
    String ready =
        server.send("POST", sandbox(create(",\"timeout\":600")) + "/snapshots").text("id");
    awaitState("/v1/snapshots/" + ready, "Ready");
    String paused = create(",\"timeout\":600");
    server.send("POST", sandbox(paused) + "/pause");
    String exited =
        server
            .send(
                "POST",
                "/v1/sandboxes",
                TestServer.body("").replace("[\"sleep\",\"1d\"]", "[\"true\"]"))
            .text("id");
    awaitState(sandbox(exited), "Terminated");
    RUNTIME.intercept((step, _) -> {
      if (step == Step.SNAPSHOT) {
        try {
          CAPTURE.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    });
    String creating =
        server.send("POST", sandbox(create(",\"timeout\":600")) + "/snapshots").text("id");
    names =
        Map.of(
            "{running}",
            create(",\"timeout\":600"),
            "{manual}",
            create(""),
            "{paused}",
            paused,
            "{exited}",
            exited,
            "{ready}",
            ready,
            "{creating}",
            creating,
            "{nobody}",
            "00000000-0000-4000-8000-000000000000",
            "{template}",
            "{\"spec\":{\"containers\":[{\"image\":\"busybox\"}]}}",
            "{capacity}",
            "{\"bufferMax\":0,\"bufferMin\":0,\"poolMax\":0,\"poolMin\":0}");
  }

  @AfterAll
  static void stop() {
    CAPTURE.countDown();
    server.close();
    RUNTIME.close();
  }

  private static String create(String more) {
    return server.send("POST", "/v1/sandboxes", TestServer.body(more)).text("id");
  }

  private static String sandbox(String id) {
    return "/v1/sandboxes/" + id;
  }

  private static void awaitState(String path, String state) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!server.send("GET", path).text("status", "state").equals(state)) {
      assertThat(System.nanoTime()).as(path + " is " + state).isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        // 9. List.
        "GET | /sandboxes?page=0 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes?page=-1 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes?page=x | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes?page= | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes?page=1.5 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes?pageSize=0 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes?pageSize=201 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes?pageSize=0x1 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes?metadata=a | | 400 | INVALID_METADATA_FORMAT",
        "GET | /sandboxes?metadata=a%3D1%26 | | 400 | INVALID_METADATA_FORMAT",
        "GET | /sandboxes?metadata=%26a%3D1 | | 400 | INVALID_METADATA_FORMAT",
        "GET | /sandboxes?metadata=a%3D1%26%26b%3D2 | | 400 | INVALID_METADATA_FORMAT",
        "GET | /sandboxes?metadata=a%3D1%26b | | 400 | INVALID_METADATA_FORMAT",
        // 10. Get.
        "GET | /sandboxes/{nobody} | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "GET | /sandboxes/not-a-uuid | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "GET | /sandboxes/%2e%2e | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        // 11. Patch metadata.
        "PATCH | /sandboxes/{nobody}/metadata | {} | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "PATCH | /sandboxes/{running}/metadata | | 400 | SANDBOX::INVALID_PARAMETER",
        "PATCH | /sandboxes/{running}/metadata | null | 400 | SANDBOX::INVALID_PARAMETER",
        "PATCH | /sandboxes/{running}/metadata | [] | 400 | SANDBOX::INVALID_PARAMETER",
        "PATCH | /sandboxes/{running}/metadata | {\"a\":1} | 400 |"
            + " SANDBOX::INVALID_METADATA_LABEL",
        "PATCH | /sandboxes/{running}/metadata | {\"a\":{}} | 400 |"
            + " SANDBOX::INVALID_METADATA_LABEL",
        "PATCH | /sandboxes/{running}/metadata | {\"opensandbox.io/id\":\"x\"} | 400 |"
            + " INVALID_METADATA_LABEL",
        "PATCH | /sandboxes/{running}/metadata | {\"opensandbox.io/id\":null} | 400 |"
            + " INVALID_METADATA_LABEL",
        "PATCH | /sandboxes/{running}/metadata | {\"-a\":\"x\"} | 400 |"
            + " SANDBOX::INVALID_METADATA_LABEL",
        "PATCH | /sandboxes/{running}/metadata | {\"a\":\"x y\"} | 400 |"
            + " SANDBOX::INVALID_METADATA_LABEL",
        "PATCH | /sandboxes/{running}/metadata | {\"-a\":null} | 200 | ",
        "PATCH | /sandboxes/{running}/metadata | {} | 200 | ",
        // 12. Delete.
        "DELETE | /sandboxes/{nobody} | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        // 13. Pause and resume.
        "POST | /sandboxes/{nobody}/pause | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "POST | /sandboxes/{paused}/pause | | 409 | DOCKER::SANDBOX_NOT_RUNNING",
        "POST | /sandboxes/{exited}/pause | | 409 | DOCKER::SANDBOX_NOT_RUNNING",
        "POST | /sandboxes/{nobody}/resume | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "POST | /sandboxes/{running}/resume | | 409 | DOCKER::SANDBOX_NOT_PAUSED",
        "POST | /sandboxes/{exited}/resume | | 409 | DOCKER::SANDBOX_NOT_PAUSED",
        // 14. Renew.
        "POST | /sandboxes/{nobody}/renew-expiration | {\"expiresAt\":\"2001-01-01T00:00:00Z\"} |"
            + " 404 | DOCKER::SANDBOX_NOT_FOUND",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":\"2001-01-01T00:00:00Z\"} |"
            + " 400 | DOCKER::INVALID_EXPIRATION",
        "POST | /sandboxes/{running}/renew-expiration |"
            + " {\"expiresAt\":\"2030-01-01T00:00:00.123456Z\"} | 400 | DOCKER::INVALID_EXPIRATION",
        "POST | /sandboxes/{manual}/renew-expiration | {\"expiresAt\":\"2031-01-01T00:00:00Z\"} |"
            + " 409 | DOCKER::INVALID_EXPIRATION",
        "POST | /sandboxes/{manual}/renew-expiration | {\"expiresAt\":\"2001-01-01T00:00:00Z\"} |"
            + " 400 | DOCKER::INVALID_EXPIRATION",
        "POST | /sandboxes/{running}/renew-expiration | | 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/renew-expiration | {} | 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":null} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":\"\"} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":\"tomorrow\"} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/renew-expiration |"
            + " {\"expiresAt\":\" 2031-01-01T00:00:00Z\"} | 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":\"2031-01-01T24:00:00Z\"} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":true} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/renew-expiration |"
            + " {\"expiresAt\":\"2031-01-01T00:00:00.123456789Z\"} | 200 | ",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":\"2031-01-01 00:00\"} |"
            + " 200 | ",
        "POST | /sandboxes/{running}/renew-expiration |"
            + " {\"expiresAt\":\"2031-01-01t00:00:00+0800\"} | 200 | ",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":\"2031-01-01\"} | 200 | ",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":1925000000} | 200 | ",
        "POST | /sandboxes/{running}/renew-expiration | {\"expiresAt\":\"1925000000000\"} | 200 | ",
        "POST | /sandboxes/{paused}/renew-expiration | {\"expires_at\":\"2031-01-01T00:00:00Z\"} |"
            + " 200 | ",
        // 16. Endpoints.
        "GET | /sandboxes/{running}/endpoints/x | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes/{running}/endpoints/0 | | 400 | DOCKER::INVALID_PORT",
        "GET | /sandboxes/{running}/endpoints/65536 | | 400 | DOCKER::INVALID_PORT",
        "GET | /sandboxes/{running}/endpoints/-1 | | 400 | DOCKER::INVALID_PORT",
        "GET | /sandboxes/{running}/endpoints/99999999999999999999 | | 400 | DOCKER::INVALID_PORT",
        "GET | /sandboxes/{nobody}/endpoints/0 | | 400 | DOCKER::INVALID_PORT",
        "GET | /sandboxes/{nobody}/endpoints/80 | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "GET | /sandboxes/{nobody}/endpoints/80?use_server_proxy=true | | 404 |"
            + " DOCKER::SANDBOX_NOT_FOUND",
        "GET | /sandboxes/{running}/endpoints/80?use_server_proxy=2 | | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes/{running}/endpoints/80?use_server_proxy= | | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes/{running}/endpoints/80?expires=1925000000 | | 400 |"
            + " SANDBOX::API_NOT_SUPPORTED",
        "GET | /sandboxes/{nobody}/endpoints/0?expires=1925000000 | | 400 |"
            + " SANDBOX::API_NOT_SUPPORTED",
        "GET | /sandboxes/{running}/endpoints/80?expires=x | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes/{running}/endpoints/80?expires= | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes/{nobody}/endpoints/0?expires=1&use_server_proxy=true | | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes/{paused}/endpoints/18080 | | 200 | ",
        "GET | /sandboxes/{running}/endpoints/80?use_server_proxy=YES | | 200 | ",
        // 18. Proxy.
        "GET | /sandboxes/{nobody}/proxy/80 | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "GET | /sandboxes/{running}/proxy/0 | | 400 | DOCKER::INVALID_PORT",
        "GET | /sandboxes/{running}/proxy/65536 | | 400 | DOCKER::INVALID_PORT",
        "GET | /sandboxes/{running}/proxy/x | | 400 | DOCKER::INVALID_PORT",
        "GET | /sandboxes/{running}/proxy/80x/y | | 400 | DOCKER::INVALID_PORT",
        // 20. Snapshots.
        "POST | /sandboxes/{nobody}/snapshots | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "POST | /sandboxes/{paused}/snapshots | | 409 | SNAPSHOT::INVALID_SOURCE_STATE",
        "POST | /sandboxes/{exited}/snapshots | | 409 | SNAPSHOT::INVALID_SOURCE_STATE",
        "POST | /sandboxes/{running}/snapshots | {\"name\":7} | 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/snapshots | {\"name\":\"\"} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes/{running}/snapshots | [] | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /snapshots?page=0 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /snapshots?page=x | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /snapshots?pageSize=0 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /snapshots?pageSize=201 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /snapshots?state=ready | | 200 | ",
        "GET | /snapshots/{nobody} | | 404 | SNAPSHOT::NOT_FOUND",
        "DELETE | /snapshots/{nobody} | | 404 | SNAPSHOT::NOT_FOUND",
        "DELETE | /snapshots/{creating} | | 409 | SNAPSHOT::INVALID_STATE",
        "POST | /sandboxes | {\"snapshotId\":\"{creating}\",\"resourceLimits\":{}} | 409 |"
            + " SNAPSHOT::NOT_READY",
        "POST | /sandboxes | {\"snapshotId\":\"{nobody}\",\"resourceLimits\":{}} | 404 |"
            + " SNAPSHOT::NOT_FOUND",
        // 22. Pools.
        "POST | /pools | {\"template\":{template},\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":7,\"template\":{template},\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"\",\"template\":{template},\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"P\",\"template\":{template},\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"-p\",\"template\":{template},\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p_1\",\"template\":{template},\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":7,\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":[],\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":null,\"capacitySpec\":{capacity}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},\"capacitySpec\":7} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},\"capacitySpec\":[]} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},\"capacitySpec\":{}} |"
            + " 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMin\":0,\"poolMax\":0,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":-1,"
            + "\"bufferMin\":0,\"poolMax\":0,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":1.5,"
            + "\"bufferMin\":0,\"poolMax\":0,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":\"x\","
            + "\"bufferMin\":0,\"poolMax\":0,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,\"poolMax\":0,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,"
            + "\"bufferMin\":-1,\"poolMax\":0,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,"
            + "\"bufferMin\":1.5,\"poolMax\":0,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,"
            + "\"bufferMin\":\"x\",\"poolMax\":0,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,\"bufferMin\":0,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,"
            + "\"bufferMin\":0,\"poolMax\":-1,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,"
            + "\"bufferMin\":0,\"poolMax\":1.5,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,"
            + "\"bufferMin\":0,\"poolMax\":\"x\",\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,\"bufferMin\":0,\"poolMax\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,"
            + "\"bufferMin\":0,\"poolMax\":0,\"poolMin\":-1}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,"
            + "\"bufferMin\":0,\"poolMax\":0,\"poolMin\":1.5}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools | {\"name\":\"p\",\"template\":{template},"
            + "\"capacitySpec\":{\"bufferMax\":0,"
            + "\"bufferMin\":0,\"poolMax\":0,\"poolMin\":\"x\"}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "POST | /pools |  | 400 | SANDBOX::INVALID_PARAMETER",
        "PUT | /pools/nobody | {} | 400 | SANDBOX::INVALID_PARAMETER",
        "PUT | /pools/nobody | {\"capacitySpec\":{\"bufferMax\":0,\"bufferMin\":0,"
            + "\"poolMax\":-1,\"poolMin\":0}} | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "PUT | /pools/nobody | {\"capacitySpec\":{capacity}} | 404 | KUBERNETES::POOL_NOT_FOUND",
        "GET | /pools/nobody |  | 404 | KUBERNETES::POOL_NOT_FOUND",
        "DELETE | /pools/nobody |  | 404 | KUBERNETES::POOL_NOT_FOUND",
        // 23. Diagnostics.
        "GET | /sandboxes/{nobody}/diagnostics/logs | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "GET | /sandboxes/{nobody}/diagnostics/events | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "GET | /sandboxes/{nobody}/diagnostics/inspect | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "GET | /sandboxes/{nobody}/diagnostics/summary | | 404 | DOCKER::SANDBOX_NOT_FOUND",
        "GET | /sandboxes/{running}/diagnostics/logs?tail=0 | | 400 | SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes/{running}/diagnostics/logs?tail=10001 | | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes/{running}/diagnostics/events?limit=0 | | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        "GET | /sandboxes/{running}/diagnostics/events?limit=501 | | 400 |"
            + " SANDBOX::INVALID_PARAMETER",
        // 1, 27. What no route answers.
        "GET | /nothing | | 404 | GENERAL::NOT_FOUND",
        "POST | /sandboxes/{running} | {} | 405 | GENERAL::METHOD_NOT_ALLOWED",
        "PUT | /sandboxes | {} | 405 | GENERAL::METHOD_NOT_ALLOWED",
        "POST | /sandboxes | {\"a\": | 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes | [] | 400 | SANDBOX::INVALID_PARAMETER",
        "POST | /sandboxes | null | 400 | SANDBOX::INVALID_PARAMETER"
      })
  void isAnswered(String method, String path, String body, int status, String code) {
    String before = server.send("GET", "/v1/sandboxes?pageSize=200").states().keySet().toString();

    TestServer.Answer answer =
        body == null
            ? server.send(method, "/v1" + filled(path))
            : server.send(method, "/v1" + filled(path), filled(body));

    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    if (status >= 400) {
      assertThat(answer.text("code")).as(answer.body()).isEqualTo(code);
      assertThat(answer.text("message")).isNotBlank();
      assertThat(answer.json().members()).containsOnlyKeys("code", "message");
    }
    assertThat(server.send("GET", "/v1/sandboxes?pageSize=200").states().keySet().toString())
        .as("nothing is made or removed")
        .isEqualTo(before);
  }

  private static String filled(String text) {
    String result = text;
    for (Map.Entry<String, String> name : names.entrySet()) {
      result = result.replace(name.getKey(), name.getValue());
    }
    return result;
  }
}
