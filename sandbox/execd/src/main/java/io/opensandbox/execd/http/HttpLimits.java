package io.opensandbox.execd.http;

import java.time.Duration;

/// What one client may take up.
///
/// @param headBytes request line and headers together; beyond that 431
/// @param connections open at once; further ones wait in the listener's backlog
/// @param idle how long a kept-alive connection may wait for its next request
/// @param headTime from a request's first byte to the end of its head
/// @param bodyStall the longest pause between two reads of a body that is being read
/// @param drainBytes how much of an unread body is skipped to keep the connection
public record HttpLimits(
    int headBytes,
    int connections,
    Duration idle,
    Duration headTime,
    Duration bodyStall,
    int drainBytes) {
  /// The limits that execd runs with. Idle exceeds the 30 s keep-alive of the published clients and
  /// the 60 s of common proxies.
  public static final HttpLimits DEFAULT =
      new HttpLimits(
          256 * 1024,
          4096,
          Duration.ofSeconds(120),
          Duration.ofSeconds(30),
          Duration.ofSeconds(120),
          256 * 1024);

  /// Checks the ranges.
  public HttpLimits {
    if (headBytes < 1024 || connections < 1 || drainBytes < 0) {
      throw new IllegalArgumentException("HTTP limits out of range");
    }
  }
}
