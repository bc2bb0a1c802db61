package io.opensandbox.runtime.local;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.local.process.HostRunner;
import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Assumptions;

/// A runtime in a directory of its own, both gone when closed. Skips the test, with the runtime's
/// own reason, on a machine where it cannot work.
final class TestRuntime implements AutoCloseable {
  static final Runner RUNNER =
      new HostRunner("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

  private final Path directory;
  private final LocalConfig config;
  private LocalRuntime runtime;

  private TestRuntime(Path directory, LocalConfig config) {
    this.directory = directory;
    this.config = config;
    this.runtime = start();
  }

  static TestRuntime open() {
    return open(UnaryOperator.identity());
  }

  static TestRuntime open(UnaryOperator<LocalConfig> change) {
    try {
      Path directory = Files.createTempDirectory("osl-test-");
      LocalConfig config = LocalConfig.of(directory.resolve("data"), execd(directory));
      return new TestRuntime(directory, change.apply(config));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  LocalRuntime runtime() {
    return runtime;
  }

  Path directory() {
    return directory;
  }

  /// Closes the runtime, which leaves its sandboxes running, and opens it again.
  void restart() {
    runtime.close();
    runtime = start();
  }

  private LocalRuntime start() {
    try {
      return new LocalRuntime(config, Clock.systemUTC(), RUNNER);
    } catch (SandboxException e) {
      Assumptions.assumeFalse(e.code() == ErrorCode.RUNTIME_UNAVAILABLE, e.getMessage());
      throw e;
    }
  }

  @Override
  public void close() {
    runtime.list().forEach(one -> runtime.remove(one.id(), java.time.Duration.ZERO));
    runtime.close();
    RUNNER.text("rm", "-rf", "--one-file-system", "--", directory.toString());
  }

  /// A stand-in for the packaged execd: installs itself, and as bootstrap runs the command.
  private static Path execd(Path directory) throws IOException {
    Path made = Files.createDirectories(directory.resolve("execd"));
    write(
        made.resolve("execd"),
        """
        #!/bin/sh
        case "$1" in
          install) cp "$0" "$2/execd" ;;
          *) exec sleep 1000 ;;
        esac
        """);
    write(
        made.resolve("bootstrap.sh"),
        """
        #!/bin/sh
        "$@" &
        child=$!
        trap 'kill -TERM $child; wait $child; exit 0' TERM
        wait $child
        """);
    return made;
  }

  private static void write(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
