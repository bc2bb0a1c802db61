package io.opensandbox.execd.archive;

import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.execd.process.Spawner;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// Compresses and decompresses with zstd, which Java does not have and the launcher has: as a
/// filter, one process for each archive.
public final class Zstd {
  private final Spawner spawner;
  private final Supplier<Optional<Path>> launcher;

  /// @param launcher its file; empty when execd runs without it
  public Zstd(Spawner spawner, Supplier<Optional<Path>> launcher) {
    this.spawner = spawner;
    this.launcher = launcher;
  }

  /// Whether there is a launcher.
  boolean isAvailable() {
    return launcher.get().isPresent();
  }

  /// What is written goes to `out` compressed. Closing writes the end and leaves `out` open.
  OutputStream compressing(OutputStream out) throws IOException {
    return new FilteredOutput(start("zstd"), out);
  }

  /// What `in` gives, decompressed. Closing ends the work and leaves `in` open.
  InputStream decompressing(InputStream in) throws IOException {
    return new FilteredInput(start("unzstd"), in);
  }

  private RunningProcess start(String mode) throws SpawnException {
    String file =
        launcher
            .get()
            .orElseThrow(() -> new SpawnException("execd runs without its launcher"))
            .toString();
    return spawner.start(
        new ProcessSpec(
            List.of(file, mode),
            Map.of(),
            "/",
            null,
            new ProcessSpec.Pipes(true, false),
            ProcessSpec.Descriptors.NONE));
  }
}
