package io.opensandbox.server.renewal;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.server.FakeClock;
import io.opensandbox.server.TestServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Use of a sandbox through the proxy keeps it alive.
class AccessRenewalTest {
  private static final String EXTENDING =
      ",\"timeout\":60,\"extensions\":{\"access.renew.extend.seconds\":\"300\"}";

  @TempDir Path folder;
  private final FakeRuntime runtime = new FakeRuntime();
  private final FakeClock clock = new FakeClock();
  private TestServer server;

  @BeforeEach
  void start() {
    server =
        TestServer.start(
            folder,
            runtime,
            clock,
            "renew_intent.enabled = true\nrenew_intent.min_interval_seconds = 60\n");
  }

  @AfterEach
  void stop() {
    server.close();
    runtime.close();
  }

  private String create(String more) {
    return server.send("POST", "/v1/sandboxes", TestServer.body(more)).text("id");
  }

  private String expiry(String id) {
    return server.send("GET", "/v1/sandboxes/" + id).text("expiresAt");
  }

  // Nothing listens there; what counts is that somebody tried.
  private void use(String id) {
    server.send("GET", "/sandboxes/" + id + "/proxy/8080/");
  }

  private void awaitExpiry(String id, String expiry) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!expiry(id).equals(expiry)) {
      assertThat(System.nanoTime()).as(expiry(id) + " becomes " + expiry).isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
  }

  // Signals are worked off in their order, so that those before this one are done afterwards.
  private void workOffSignals() {
    String marker =
        create(",\"timeout\":60,\"extensions\":" + "{\"access.renew.extend.seconds\":\"86400\"}");
    String before = expiry(marker);
    use(marker);
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (expiry(marker).equals(before)) {
      assertThat(System.nanoTime()).as("signals are worked off").isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
  }

  @Test
  void useExtendsTheLife() {
    String id = create(EXTENDING);
    clock.advance(Duration.ofSeconds(30));

    use(id);

    awaitExpiry(id, "2030-01-01T00:05:30.123456Z");
  }

  @Test
  void useWithinTheIntervalDoesNotExtendAgain() {
    String id = create(EXTENDING);
    use(id);
    awaitExpiry(id, "2030-01-01T00:05:00.123456Z");
    clock.advance(Duration.ofSeconds(59));

    use(id);
    workOffSignals();

    assertThat(expiry(id)).isEqualTo("2030-01-01T00:05:00.123456Z");
    clock.advance(Duration.ofSeconds(1));
    use(id);
    awaitExpiry(id, "2030-01-01T00:06:00.123456Z");
  }

  @Test
  void useNeverShortensTheLife() {
    String id = create(EXTENDING.replace(":60", ":3600"));

    use(id);
    workOffSignals();

    assertThat(expiry(id)).isEqualTo("2030-01-01T01:00:00.123456Z");
  }

  @Test
  void othersAreNotExtended() {
    String plain = create(",\"timeout\":60");
    String paused = create(EXTENDING);
    server.send("POST", "/v1/sandboxes/" + paused + "/pause");
    String manual = create(",\"extensions\":{\"access.renew.extend.seconds\":\"300\"}");

    use(plain);
    use(paused);
    use(manual);
    workOffSignals();

    assertThat(expiry(plain)).isEqualTo("2030-01-01T00:01:00.123456Z");
    assertThat(expiry(paused)).isEqualTo("2030-01-01T00:01:00.123456Z");
    assertThat(expiry(manual)).isEmpty();
  }

  @Test
  void aClockThatIsSetBackDoesNotStopIt() {
    String id = create(EXTENDING);
    use(id);
    awaitExpiry(id, "2030-01-01T00:05:00.123456Z");
    clock.advance(Duration.ofHours(-1));
    server.send(
        "POST",
        "/v1/sandboxes/" + id + "/renew-expiration",
        "{\"expiresAt\":\"2029-12-31T23:10:00Z\"}");
    clock.advance(Duration.ofMinutes(8));

    use(id);

    awaitExpiry(id, "2029-12-31T23:13:00.123456Z");
  }
}
