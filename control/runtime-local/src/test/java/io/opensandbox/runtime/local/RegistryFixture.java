package io.opensandbox.runtime.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BiFunction;

/// A registry and a runtime that pulls from it, with a directory for what is in both; all gone when
/// closed.
record RegistryFixture(Path directory, TestRegistry registry, TestRuntime test)
    implements AutoCloseable {
  /// Opens them.
  ///
  /// @param change to the runtime's configuration, by the directory
  static RegistryFixture open(BiFunction<LocalConfig, Path, LocalConfig> change)
      throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("osl-registry-");
    try {
      TestRegistry registry = new TestRegistry(Files.createDirectory(directory.resolve("plain")));
      try {
        return new RegistryFixture(
            directory, registry, TestRuntime.open(config -> change.apply(config, directory)));
      } catch (RuntimeException e) {
        registry.close();
        throw e;
      }
    } catch (RuntimeException e) {
      remove(directory);
      throw e;
    }
  }

  private static void remove(Path directory) {
    TestRuntime.RUNNER.text("rm", "-rf", "--", directory.toString());
  }

  @Override
  public void close() {
    registry.close();
    test.close();
    remove(directory);
  }
}
