package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities.Feature;
import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.store.Database;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What `/ready` says of a server that lives and cannot work, and `/v1/capabilities` of what it
/// can.
class ReadinessTest {
  @TempDir Path folder;
  private final AtomicBoolean full = new AtomicBoolean();

  @Test
  void aServerWhoseStoreIsFullIsNotReadyUntilThereIsRoom() {
    Config config = TestServer.config(folder, "");
    var runtime = new FakeRuntime();
    Database database = filling(Databases.open(config.store()));
    try (TestServer server =
        TestServer.start(folder, config, runtime, runtime, new FakeClock(), database)) {
      full.set(true);

      TestServer.Answer refused = server.send("GET", "/ready");
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.text("code")).isEqualTo("GENERAL::STORE_FULL");
      assertThat(server.send("GET", "/health").status()).isEqualTo(200);

      full.set(false);

      TestServer.Answer ready = server.send("GET", "/ready");
      assertThat(ready.status()).isEqualTo(200);
      assertThat(ready.text("status")).isEqualTo("ready");
      assertThat(server.send("GET", "/ready").status()).isEqualTo(200);
    }
  }

  @Test
  void capabilitiesAreThoseOfTheRuntime() {
    var runtime = new FakeRuntime();
    runtime.setFeatures(Set.of(Feature.PAUSE, Feature.FREEZER, Feature.DISK_QUOTA));
    try (TestServer server = TestServer.start(folder, runtime, new FakeClock(), "")) {
      TestServer.Answer answer = server.send("GET", "/v1/capabilities");

      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.body())
          .isEqualTo(
              "{\"runtime\":\"fake\",\"features\":[\"disk_quota\",\"freezer\",\"pause\"],"
                  + "\"platform\":{\"os\":\"linux\",\"arch\":\"amd64\"}}");
    }
  }

  private Database filling(Database real) {
    return (Database)
        Proxy.newProxyInstance(
            Database.class.getClassLoader(),
            new Class<?>[] {Database.class},
            (_, method, arguments) -> {
              if (method.getName().equals("write") && full.get()) {
                throw new SandboxException(ErrorCode.STORE_FULL, "the disk is full");
              }
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
