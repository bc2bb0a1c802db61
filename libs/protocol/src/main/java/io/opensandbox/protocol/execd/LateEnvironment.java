package io.opensandbox.protocol.execd;

/// Variables that a sandbox was given after its daemon was started, as a part of the daemon's env
/// file. The lines `NAME=VALUE` between [#BEGIN] and [#END] count as the daemon's own environment:
/// for commands, sessions, terminals, kernels and paths. To a daemon that does not know the two
/// lines they are comments, and it gives the variables to commands only.
public final class LateEnvironment {
  /// The line before the variables.
  public static final String BEGIN = "# opensandbox: environment of the sandbox";

  /// The line behind them.
  public static final String END = "# opensandbox: end";

  private LateEnvironment() {}
}
