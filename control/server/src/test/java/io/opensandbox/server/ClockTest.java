package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.FakeRuntime;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The wall clock jumps by an hour: what is due then goes, what is not stays, nothing is leaked.
class ClockTest {
  @TempDir Path folder;
  private final FakeRuntime runtime = new FakeRuntime();
  private final FakeClock clock = new FakeClock();
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start(folder, runtime, clock, "");
  }

  @AfterEach
  void stop() {
    server.close();
    runtime.close();
  }

  private String create(int timeout) {
    return server
        .send("POST", "/v1/sandboxes", TestServer.body(",\"timeout\":" + timeout))
        .text("id");
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
  }

  @Test
  void forward_whatIsDueGoesAndTheRestStays() {
    String shorter = create(600);
    String longer = create(7200);
    String manual = server.create();

    clock.advance(Duration.ofHours(1));

    await("it expired", () -> !server.send("GET", "/v1/sandboxes").states().containsKey(shorter));
    assertThat(server.send("GET", "/v1/sandboxes").states()).containsOnlyKeys(longer, manual);
    assertThat(runtime.sandboxIds()).containsExactlyInAnyOrder(longer, manual);
    assertThat(create(60)).isNotEmpty();
  }

  @Test
  void back_nothingIsLostAndExpiryFollowsTheClock() {
    String id = create(600);

    clock.advance(Duration.ofHours(-1));

    assertThat(server.send("GET", "/v1/sandboxes/" + id).text("expiresAt"))
        .isEqualTo("2030-01-01T00:10:00.123456Z");
    String later = create(600);
    assertThat(server.send("GET", "/v1/sandboxes").states()).containsOnlyKeys(id, later);
    clock.advance(Duration.ofMinutes(11));
    await("the younger expired", () -> runtime.sandboxIds().size() == 1);
    assertThat(runtime.sandboxIds()).containsExactly(id);
    clock.advance(Duration.ofHours(1));
    await("the older expired", () -> server.send("GET", "/v1/sandboxes").states().isEmpty());
    assertThat(runtime.sandboxIds()).isEmpty();
  }
}
