package io.opensandbox.runtime.local;

import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.SandboxSpec;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// A server that makes and removes sandboxes until somebody kills it; run by [CrashIT] in a process
/// of its own.
final class KilledServer {
  private KilledServer() {}

  /// Runs until it is killed.
  ///
  /// @param arguments data directory and execd directory
  public static void main(String[] arguments) {
    LocalConfig config = LocalConfig.of(Path.of(arguments[0]), Path.of(arguments[1]));
    LocalRuntime runtime = new LocalRuntime(config, Clock.systemUTC(), TestRuntime.RUNNER);
    PreparedImage image = runtime.prepareImage(ImageRequest.of("host"), _ -> {});
    System.out.println("stays " + start(runtime, image));
    for (int i = 0; i < 3; i++) {
      Thread.ofPlatform().start(() -> churn(runtime, image));
    }
  }

  private static void churn(LocalRuntime runtime, PreparedImage image) {
    while (true) {
      runtime.remove(start(runtime, image), Duration.ZERO);
    }
  }

  private static String start(LocalRuntime runtime, PreparedImage image) {
    String id = UUID.randomUUID().toString();
    runtime.create(
        new SandboxSpec(
            id,
            List.of("sleep", "600"),
            Map.of(),
            ResourceLimits.NONE,
            List.of(),
            Map.of(Labels.ID, id),
            Optional.empty()),
        image);
    runtime.start(id);
    return id;
  }
}
