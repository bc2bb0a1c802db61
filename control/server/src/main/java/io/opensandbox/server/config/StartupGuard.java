package io.opensandbox.server.config;

import java.util.Map;

/// Decides whether the server may start without an API key.
public final class StartupGuard {
  /// Environment variable that acknowledges running without a key when it is exactly `YES`.
  public static final String INSECURE_VARIABLE = "OPENSANDBOX_INSECURE_SERVER";

  /// What to do.
  public enum Verdict {
    START,
    START_WITH_WARNING,
    ASK,
    REFUSE
  }

  private StartupGuard() {}

  /// The verdict for a configuration, an environment and a standard input.
  ///
  /// @param terminal whether standard input is a terminal, where a person can be asked
  public static Verdict judge(Config.Server server, Map<String, String> env, boolean terminal) {
    if (server.apiKey().isPresent() || !server.keys().isEmpty()) {
      return Verdict.START;
    }
    if ("YES".equals(env.get(INSECURE_VARIABLE))) {
      return Verdict.START_WITH_WARNING;
    }
    return terminal ? Verdict.ASK : Verdict.REFUSE;
  }
}
