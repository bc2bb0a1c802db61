package io.opensandbox.execd.log;

import java.util.regex.Pattern;

/// Masks what looks like a secret in a command text.
public final class SecretMask {
  private static final String OPTIONS =
      "password|passwd|token|access-token|secret|secret-key|secret-id|access-key[a-z-]*|api-key"
          + "|apikey|private-key|client-secret|refresh-token|credential|sentry-token"
          + "|aws-secret-access-key|secret-access-key|ak|sk";
  private static final String VARIABLES =
      "[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|APIKEY|ACCESS_KEY|ACCESS_KEY_ID|PRIVATE_KEY"
          + "|SECRET_KEY|SECRET_ID|CREDENTIALS?|AUTH_CONFIG|ACCOUNT_KEY|CLIENT_SECRET)";
  private static final String VALUE = "(?:\"[^\"]*\"|'[^']*'|[^\\s;&|]+)";

  private SecretMask() {}

  /// The text with secrets replaced by `****`.
  public static String mask(String text) {
    if (!mayHaveSecret(text)) {
      return text;
    }
    String masked = Patterns.USER_INFO.matcher(text).replaceAll("$1****:****@");
    masked = Patterns.AUTHORIZATION.matcher(masked).replaceAll("$1****");
    masked = Patterns.AZURE_KEY.matcher(masked).replaceAll("$1****");
    masked = Patterns.OPTION.matcher(masked).replaceAll("$1****");
    masked = Patterns.ASSIGNMENT.matcher(masked).replaceAll("$1****");
    return Patterns.KEY_ID.matcher(masked).replaceAll("$1****");
  }

  /// The start of a secret that is shown to tell two apart: first and last four of more than eight
  /// characters.
  public static String maskToken(String token) {
    return token.length() <= 8
        ? "****"
        : token.substring(0, 4) + "****" + token.substring(token.length() - 4);
  }

  /// A cheap look that spares ordinary commands the patterns.
  private static boolean mayHaveSecret(String text) {
    return text.indexOf('=') >= 0
        || text.indexOf(':') >= 0
        || text.contains("--")
        || text.contains("LTAI")
        || text.contains("AKI");
  }

  /// Compiled when the first suspicious text comes.
  private static final class Patterns {
    static final Pattern USER_INFO =
        Pattern.compile("([a-zA-Z][a-zA-Z0-9+.-]*://)[^\\s/:@'\"]*:[^\\s/@'\"]+@");
    static final Pattern AUTHORIZATION =
        Pattern.compile(
            "(?i)(authorization\\s*[:=]\\s*(?:bearer|basic|token|apikey)\\s+)[^\\s'\"]+");
    static final Pattern AZURE_KEY =
        Pattern.compile("(?i)((?:AccountKey|SharedAccessKey)=)[^\\s;'\"]+");
    static final Pattern OPTION = Pattern.compile("(?i)(--(?:" + OPTIONS + ")(?:=|\\s+))" + VALUE);
    static final Pattern ASSIGNMENT =
        Pattern.compile("((?<![A-Za-z0-9_])" + VARIABLES + "=)" + VALUE);
    static final Pattern KEY_ID =
        Pattern.compile("(?<![A-Za-z0-9])(LTAI|AKIA|AKID)[A-Za-z0-9]{8,}");
  }
}
