package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// A client's promise that creates with the same key are the same create.
///
/// @param value 1 to 255 printable characters
/// @param requestHash tells whether the request is the same, too
record IdempotencyKey(String value, String requestHash) {
  static final String HEADER = "Idempotency-Key";

  private static final int MAX_LENGTH = 255;

  /// The key in a header, for the request with the body `text`.
  static IdempotencyKey of(String header, String text) {
    String value = header.strip();
    if (value.isEmpty()
        || value.length() > MAX_LENGTH
        || !value.chars().allMatch(c -> c >= 0x20 && c < 0x7f)) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "Idempotency-Key must be 1 to 255 printable characters");
    }
    return new IdempotencyKey(value, hash(text));
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
