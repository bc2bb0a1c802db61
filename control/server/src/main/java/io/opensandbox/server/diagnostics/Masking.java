package io.opensandbox.server.diagnostics;

import java.util.regex.Pattern;

/// Hides values of settings whose name says that they are secret. Runtimes mask what they know to
/// be secret; this catches what one of them forgets.
final class Masking {
  private static final Pattern SECRET =
      Pattern.compile(
          "(?m)^(\\s*[^\\s=:]*(?:SECRET|TOKEN|PASSWORD|API_KEY|ACCESS_KEY|egress-auth|secure-access)"
              + "[^\\s=:]*\\s*[=:]\\s*)(?!\\*\\*\\*$)\\S.*$",
          Pattern.CASE_INSENSITIVE);

  private Masking() {}

  /// The text with `***` for each such value. Masking twice changes nothing.
  static String mask(String text) {
    return SECRET.matcher(text).replaceAll("$1***");
  }
}
