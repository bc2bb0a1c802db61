package io.opensandbox.e2e.testbed;

import io.opensandbox.runtime.HostProgram;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// The Docker command line on the engine that the tests share.
public final class Docker {
  private Docker() {}

  /// Runs `docker` and returns the lines it prints; throws `IllegalStateException` when it fails.
  public static List<String> run(String... arguments) {
    return feed("", arguments);
  }

  /// The same with text on standard input.
  static List<String> feed(String input, String... arguments) {
    var command = new ArrayList<>(List.of("docker"));
    command.addAll(List.of(arguments));
    return HostProgram.run(input.getBytes(StandardCharsets.UTF_8), command).lines().toList();
  }
}
