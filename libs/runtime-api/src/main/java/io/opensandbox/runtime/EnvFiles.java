package io.opensandbox.runtime;

import io.opensandbox.protocol.execd.LateEnvironment;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What a runtime has to do to execd's env file in a sandbox that is made from a snapshot.
///
/// When the source was claimed from a pool, the file has the claim's environment (see
/// [LateEnvironment]). That is inherited as all of a source's environment is, but it must not win
/// over what the new sandbox was given itself.
public final class EnvFiles {
  /// A larger file is not read by execd either.
  public static final int MAX_BYTES = 4 << 20;

  private static final String DEFAULT = "/opt/opensandbox/.env";

  private EnvFiles() {}

  /// Where the file of a sandbox is; empty when that cannot be told from outside.
  ///
  /// @param env of the sandbox's first process
  public static Optional<String> path(Map<String, String> env) {
    String set = env.getOrDefault("EXECD_ENVS", "");
    String path = set.isEmpty() ? DEFAULT : set;
    return path.startsWith("/") && !path.endsWith("/") && path.indexOf('\0') < 0
        ? Optional.of(path)
        : Optional.empty();
  }

  /// The file without what a claim said about some variables; the same array when it said nothing.
  ///
  /// @param names of the variables
  public static byte[] without(byte[] file, Set<String> names) {
    var kept = new ByteArrayOutputStream(file.length);
    boolean claimed = false;
    int from = 0;
    while (from < file.length) {
      int to = endOfLine(file, from);
      String line = new String(file, from, to - from, StandardCharsets.UTF_8).strip();
      if (line.equals(LateEnvironment.BEGIN)) {
        claimed = true;
      } else if (line.equals(LateEnvironment.END)) {
        claimed = false;
      }
      int equals = line.indexOf('=');
      if (!claimed || equals < 0 || !names.contains(line.substring(0, equals))) {
        kept.write(file, from, to - from);
      }
      from = to;
    }
    return kept.size() == file.length ? file : kept.toByteArray();
  }

  // Behind the line feed.
  private static int endOfLine(byte[] file, int from) {
    for (int i = from; i < file.length; i++) {
      if (file[i] == '\n') {
        return i + 1;
      }
    }
    return file.length;
  }
}
