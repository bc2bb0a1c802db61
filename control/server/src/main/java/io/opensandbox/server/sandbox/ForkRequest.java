package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.http.Fields;
import io.opensandbox.server.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/// A fork that passed every check that it alone allows.
///
/// @param count of copies
/// @param timeout their life; empty for the source's end
/// @param metadata theirs; empty for the source's
record ForkRequest(int count, Optional<Duration> timeout, Optional<Map<String, String>> metadata) {
  /// Copies that one request may ask for.
  static final int MAX_COUNT = 100;

  /// Parses and checks a body.
  ///
  /// @param now to judge the timeout by
  static ForkRequest parse(Json.Obj body, CreateRules rules, Instant now) {
    Fields fields = Fields.of(body);
    long count = fields.integer("count").orElse(1L);
    if (count < 1 || count > MAX_COUNT) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "\"count\" must be 1 to " + MAX_COUNT + ", not " + count);
    }
    Optional<Map<String, String>> metadata =
        fields.textMap("metadata", ErrorCode.INVALID_METADATA_LABEL, false);
    metadata.ifPresent(MetadataRules::check);
    return new ForkRequest(
        (int) count, rules.timeout(CreateRules.timeoutSeconds(fields), now), metadata);
  }
}
