package io.opensandbox.execd;

import java.util.HexFormat;
import java.util.UUID;

/// Ids that nobody can guess.
final class Ids {
  /// For a command: a random UUID without its dashes.
  String command() {
    UUID id = UUID.randomUUID();
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(id.getMostSignificantBits())
        + hex.toHexDigits(id.getLeastSignificantBits());
  }

  /// For a session: a random UUID.
  String session() {
    return UUID.randomUUID().toString();
  }
}
