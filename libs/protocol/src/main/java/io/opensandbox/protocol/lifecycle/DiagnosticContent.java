package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Logs or events of a sandbox; null members are left out on the wire.
///
/// @param sandboxId the sandbox
/// @param kind `logs` or `events`
/// @param scope as it was asked for
/// @param delivery `inline`: the content stands in `content`
/// @param contentType media type of `content`
/// @param content the text
/// @param contentLength of `content`, bytes in UTF-8
/// @param truncated whether there is more than `content` has
/// @param warnings for people; null when there are none
@Json
public record DiagnosticContent(
    String sandboxId,
    String kind,
    String scope,
    String delivery,
    String contentType,
    String content,
    long contentLength,
    boolean truncated,
    @Nullable List<String> warnings) {
  /// Copies the warnings.
  public DiagnosticContent {
    warnings = warnings == null ? null : List.copyOf(warnings);
  }
}
