package io.opensandbox.server.process;

import io.opensandbox.server.process.KilledServer.Operation;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The short form of [KilledServerChaos].
class KilledServerIT {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(
      value = Operation.class,
      names = {"CREATE", "DELETE", "SNAPSHOT"})
  void killedWhenTheEngineHasDoneAChange(Operation operation) throws Exception {
    try (var killed = new KilledServer(folder)) {
      killed.killAtEachChange(operation, true);
    }
  }
}
