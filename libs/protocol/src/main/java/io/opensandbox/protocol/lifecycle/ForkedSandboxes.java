package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import java.util.List;

/// The answer to a fork.
///
/// @param items one for each copy that was asked for
@Json
public record ForkedSandboxes(List<ForkedSandbox> items) {
  /// Copies the list.
  public ForkedSandboxes {
    items = List.copyOf(items);
  }
}
