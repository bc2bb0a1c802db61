package io.opensandbox.execd.http;

/// Requests that leave no record: not in the request log, the metrics, the log of commands. Whoever
/// prepares a sandbox before a client has it (a pool, for one) asks like this, so that the client
/// finds it as if it were fresh. Like every other header this one is passed on by the port proxy.
public final class Unrecorded {
  /// The header; any value will do.
  public static final String HEADER = "X-EXECD-UNRECORDED";

  private Unrecorded() {}

  /// Whether a request asks for it.
  public static boolean isAskedBy(Headers headers) {
    return headers.has(HEADER);
  }
}
