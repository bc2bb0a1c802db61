package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import io.opensandbox.protocol.ErrorBody;
import org.jspecify.annotations.Nullable;

/// What became of one copy of a fork: a sandbox or an error, never both.
///
/// @param id UUID text of the copy
/// @param sandbox the running copy; null when it could not be made
/// @param error why it could not be made; nothing of it is left
@Json
public record ForkedSandbox(String id, @Nullable Sandbox sandbox, @Nullable ErrorBody error) {}
