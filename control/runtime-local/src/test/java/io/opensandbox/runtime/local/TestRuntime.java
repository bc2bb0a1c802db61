package io.opensandbox.runtime.local;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeEvent;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.VolumeMount;
import io.opensandbox.runtime.local.process.HostRunner;
import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Assumptions;

/// A runtime in a directory of its own, both gone when closed. Skips the test, with the runtime's
/// own reason, on a machine where it cannot work.
final class TestRuntime implements AutoCloseable {
  static final Runner RUNNER = new HostRunner(HostRunner.USUAL_PATH);

  private static final Duration PATIENCE = Duration.ofMinutes(4);

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

  /// Whether these tests are run by [RootlessIT].
  static boolean isRootless() {
    return new Host(RUNNER).isRootless();
  }

  /// Skips the test where the host gives an ordinary user no cgroups.
  void assumeLimits() {
    Assumptions.assumeTrue(
        runtime.capabilities().has(Capabilities.Feature.RESOURCE_LIMITS), "there are no limits");
  }

  LocalRuntime runtime() {
    return runtime;
  }

  Path directory() {
    return directory;
  }

  /// Where the runtime keeps its files, on its own file system where it has one.
  Path root() {
    Path disk = directory.resolve("data/disk");
    return Files.isDirectory(disk.resolve("sandboxes")) ? disk : directory.resolve("data");
  }

  static LocalConfig withDataDirectory(LocalConfig config, Path directory) {
    return changed(
        config, directory, config.allowedHostPaths(), config.limits(), config.imageSources());
  }

  static LocalConfig withSources(LocalConfig config, LocalConfig.ImageSources sources) {
    return changed(
        config, config.dataDirectory(), config.allowedHostPaths(), config.limits(), sources);
  }

  static LocalConfig withoutDisk(LocalConfig config) {
    return withDisk(config, OptionalLong.of(0), config.limits().sandboxDiskBytes());
  }

  static LocalConfig withSandboxDisk(LocalConfig config, long bytes) {
    return withDisk(config, config.limits().diskBytes(), bytes);
  }

  private static LocalConfig withDisk(
      LocalConfig config, OptionalLong diskBytes, long sandboxDiskBytes) {
    LocalConfig.Limits limits = config.limits();
    return withLimits(
        config,
        new LocalConfig.Limits(
            limits.logBytes(),
            limits.imageBytes(),
            limits.totalMemoryBytes(),
            limits.preparedNetworks(),
            diskBytes,
            sandboxDiskBytes,
            limits.required()));
  }

  static LocalConfig withLimits(LocalConfig config, LocalConfig.Limits limits) {
    return changed(
        config, config.dataDirectory(), config.allowedHostPaths(), limits, config.imageSources());
  }

  static LocalConfig withHostPaths(LocalConfig config, List<Path> paths) {
    return changed(config, config.dataDirectory(), paths, config.limits(), config.imageSources());
  }

  private static LocalConfig changed(
      LocalConfig config,
      Path dataDirectory,
      List<Path> hostPaths,
      LocalConfig.Limits limits,
      LocalConfig.ImageSources sources) {
    return new LocalConfig(
        dataDirectory,
        config.execdDirectory(),
        config.publicHost(),
        config.bindAddress(),
        hostPaths,
        config.capabilities(),
        config.pidsLimit(),
        limits,
        sources);
  }

  /// A second runtime on the same directory, which is not allowed.
  LocalRuntime openAnother() {
    return new LocalRuntime(config, Clock.systemUTC(), RUNNER);
  }

  /// The same once this one is closed, on a machine as `runner` makes it look.
  LocalRuntime openWith(Runner runner) {
    return new LocalRuntime(config, Clock.systemUTC(), runner);
  }

  /// Everything that a sandbox wrote.
  String logOf(String id) {
    return logOf(id, 10_000);
  }

  /// The last lines that a sandbox wrote.
  String logOf(String id, int tail) {
    return runtime.logs(id, tail, Optional.empty(), false);
  }

  /// Names of the layers that begin so.
  List<String> layers(String prefix) throws IOException {
    try (var entries = Files.list(root().resolve("layers"))) {
      return entries
          .map(path -> path.getFileName().toString())
          .filter(name -> name.startsWith(prefix))
          .toList();
    }
  }

  /// Asks again and again until it is so.
  void await(Condition condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    try {
      while (!condition.holds()) {
        if (System.nanoTime() > deadline) {
          throw new AssertionError("it did not happen within " + PATIENCE);
        }
        LockSupport.parkNanos(2_000_000);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Something that may take a moment to become true.
  @FunctionalInterface
  interface Condition {
    boolean holds() throws IOException;
  }

  /// Starts a sandbox that is removed by [#close] at the latest.
  String start(PreparedImage image, ResourceLimits limits, String... command) {
    return start(image, limits, List.of(), command);
  }

  /// The same with volumes.
  String start(
      PreparedImage image, ResourceLimits limits, List<VolumeMount> volumes, String... command) {
    String id = UUID.randomUUID().toString();
    runtime.create(
        new SandboxSpec(
            id,
            List.of(command),
            Map.of(),
            limits,
            volumes,
            Map.of(Labels.ID, id),
            Optional.empty()),
        image);
    runtime.start(id);
    return id;
  }

  PreparedImage host() {
    return runtime.prepareImage(ImageRequest.of("host"), _ -> {});
  }

  /// What a command writes in a fresh sandbox, which is gone afterwards.
  String outputOf(PreparedImage image, String... command) {
    String id = start(image, ResourceLimits.NONE, command);
    awaitEnd(id);
    String output = runtime.logs(id, 10_000, Optional.empty(), false);
    runtime.remove(id, Duration.ZERO);
    return output;
  }

  /// Waits, woken by events, until the sandbox has ended.
  RuntimeSandbox awaitEnd(String id) {
    BlockingQueue<RuntimeEvent> events = new LinkedBlockingQueue<>();
    try (SandboxRuntime.Subscription _ = runtime.subscribe(events::add)) {
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (System.nanoTime() < deadline) {
        RuntimeSandbox now = runtime.find(id).orElseThrow();
        if (now.state() == RuntimeSandbox.State.EXITED) {
          return now;
        }
        events.poll(100, TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new AssertionError(
        "sandbox "
            + id
            + " did not end: "
            + runtime.find(id)
            + runtime.logs(id, 100, Optional.empty(), false));
  }

  /// Closes the runtime, which leaves its sandboxes running, and opens it again.
  void restart() {
    runtime.close();
    reopen();
  }

  /// Opens the runtime again after it was closed.
  void reopen() {
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
    runtime.list().forEach(one -> runtime.remove(one.id(), Duration.ZERO));
    runtime.close();
    RUNNER.text("rm", "-rf", "--one-file-system", "--", directory.toString());
  }

  /// A stand-in for the packaged execd: installs itself, starts sandboxes with the real launcher,
  /// and as bootstrap runs the command.
  private static Path execd(Path directory) throws IOException {
    Path made = Files.createDirectories(directory.resolve("execd"));
    write(
        made.resolve("execd"),
        """
        #!/bin/sh
        case "$1" in
          install) cp "$0" "$2/execd" ;;
          enter | network) exec '%s' "$@" ;;
          *) exec sleep 1000 ;;
        esac
        """
            .formatted(launcher()));
    write(
        made.resolve("bootstrap.sh"),
        """
        #!/bin/sh
        child=
        trap 'kill -TERM $child; wait $child; exit 0' TERM
        "$@" &
        child=$!
        wait $child
        """);
    return made;
  }

  /// The launcher as `sandbox/launcher/build` leaves it.
  static Path launcher() {
    String architecture =
        System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");
    Path launcher =
        Path.of(
            System.getProperty(
                "osl.launcher", "../../sandbox/launcher/target/execd-launcher-" + architecture));
    if (!Files.isExecutable(launcher)) {
      throw new IllegalStateException(
          "no " + launcher.toAbsolutePath().normalize() + "; sandbox/launcher/build makes it");
    }
    return launcher.toAbsolutePath().normalize();
  }

  private static void write(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
