package io.opensandbox.execd.code;

import java.util.Set;

/// The languages of the code API; exact, lower-case names.
final class Languages {
  /// Runs as a shell command, as does a request that names no language.
  static final String COMMAND = "command";

  /// Runs as a shell command in the background.
  static final String BACKGROUND_COMMAND = "background-command";

  /// Runs on the MySQL server of the sandbox.
  static final String SQL = "sql";

  private static final Set<String> KERNEL =
      Set.of("python", "java", "javascript", "typescript", "go", "bash");

  private Languages() {}

  /// Whether it runs in a kernel.
  static boolean isKernel(String language) {
    return KERNEL.contains(language);
  }

  /// Whether the API knows it at all.
  static boolean isKnown(String language) {
    return isKernel(language)
        || language.equals(COMMAND)
        || language.equals(BACKGROUND_COMMAND)
        || language.equals(SQL);
  }
}
