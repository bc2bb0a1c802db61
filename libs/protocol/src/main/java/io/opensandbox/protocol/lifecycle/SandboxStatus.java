package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import org.jspecify.annotations.Nullable;

/// What a sandbox (or snapshot) is doing; null members are left out on the wire.
///
/// @param state a [SandboxState] as text; clients accept unknown ones
/// @param reason machine-readable cause of the state
/// @param message for people
/// @param lastTransitionAt RFC 3339, UTC
@Json
public record SandboxStatus(
    String state,
    @Nullable String reason,
    @Nullable String message,
    @Nullable String lastTransitionAt) {}
