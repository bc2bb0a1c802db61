package io.opensandbox.execd;

import java.util.HexFormat;
import java.util.UUID;
import java.util.random.RandomGenerator;

/// Ids that nobody can guess.
final class Ids {
  private final RandomGenerator random;

  /// @param random whose numbers nobody can guess
  Ids(RandomGenerator random) {
    this.random = random;
  }

  /// For a command: a random UUID without its dashes.
  String command() {
    UUID id = uuid();
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(id.getMostSignificantBits())
        + hex.toHexDigits(id.getLeastSignificantBits());
  }

  /// For a session: a random UUID.
  String session() {
    return uuid().toString();
  }

  /// Version 4 of RFC 9562: 122 random bits.
  private UUID uuid() {
    long high = (random.nextLong() & ~0xf000L) | 0x4000L;
    long low = (random.nextLong() & ~(0b11L << 62)) | (0b10L << 62);
    return new UUID(high, low);
  }
}
