package io.opensandbox.runtime.docker.volume;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// What mounting a bucket needs of the machine that the server runs on.
interface MountHost {
  /// Whether the kernel serves file systems of programs.
  boolean hasFuse();

  /// Where an installed program is.
  Optional<Path> find(String program);

  /// Every place below `root` where something is mounted.
  List<Path> mountsBelow(Path root) throws IOException;

  /// Runs a program to its end, without a shell.
  ///
  /// @throws IOException with what the program said when it fails, or does not end within `limit`
  void run(List<String> argv, Duration limit) throws IOException;
}
