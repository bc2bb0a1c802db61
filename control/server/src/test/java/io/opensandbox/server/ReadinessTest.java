package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.store.Database;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What `/ready` says of a server that lives and cannot work.
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
