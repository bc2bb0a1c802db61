package io.opensandbox.server.process;

import io.opensandbox.server.process.KilledServer.Operation;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A real server killed before and after each change of a real engine, in every operation.
class KilledServerChaos {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Operation.class)
  void killedBeforeAChange(Operation operation) throws Exception {
    try (var killed = new KilledServer(folder)) {
      killed.killAtEachChange(operation, false);
    }
  }

  @ParameterizedTest
  @EnumSource(Operation.class)
  void killedWhenTheEngineHasDoneAChange(Operation operation) throws Exception {
    try (var killed = new KilledServer(folder)) {
      killed.killAtEachChange(operation, true);
    }
  }
}
