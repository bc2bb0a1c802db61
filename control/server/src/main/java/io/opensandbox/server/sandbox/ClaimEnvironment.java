package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.execd.LateEnvironment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// A client's environment as lines of the env file of execd, which was started before: the part
/// that counts as execd's own environment. The file knows neither quotes nor escapes, and an execd
/// that does not know that part expands `$`.
final class ClaimEnvironment {
  // Read by execd or by bootstrap.sh when they start.
  private static final List<String> READ_AT_START =
      List.of("EXECD", "JUPYTER_", "OPENSANDBOX_", "OTEL_", "BOOTSTRAP_", "TMPDIR", "LD_", "JAVA");

  // Linux hands over at most 128 KiB in one variable (MAX_ARG_STRLEN).
  private static final int MAX_BYTES = 100_000;

  private ClaimEnvironment() {}

  /// Whether a sandbox that runs already can have exactly this environment.
  static boolean fits(Map<String, String> env) {
    return env.entrySet().stream().allMatch(entry -> fits(entry.getKey(), entry.getValue()))
        && lines(env).getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES;
  }

  private static boolean fits(String name, String value) {
    return READ_AT_START.stream().noneMatch(name::startsWith)
        && !name.startsWith("#")
        && name.strip().equals(name)
        && value.stripTrailing().equals(value)
        && (name + value).chars().noneMatch(c -> c == '$' || c == '\n' || c == '\r');
  }

  /// The lines, without the last line's end.
  static String lines(Map<String, String> env) {
    return env.entrySet().stream()
        .map(entry -> entry.getKey() + "=" + entry.getValue() + "\n")
        .collect(Collectors.joining("", LateEnvironment.BEGIN + "\n", LateEnvironment.END));
  }
}
