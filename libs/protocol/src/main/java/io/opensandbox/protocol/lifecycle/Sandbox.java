package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A sandbox as get, list and patch show it; null members are left out on the wire.
///
/// @param id UUID text
/// @param image what it was made from; null when restored from a snapshot
/// @param snapshotId what it was restored from
/// @param platform the explicit constraint of the request
/// @param status what it is doing
/// @param metadata user metadata; null when there is none
/// @param entrypoint the user's command
/// @param expiresAt RFC 3339, UTC; null for manual clean-up
/// @param createdAt RFC 3339, UTC
@Json
public record Sandbox(
    String id,
    @Nullable SandboxImage image,
    @Nullable String snapshotId,
    @Nullable SandboxPlatform platform,
    SandboxStatus status,
    @Nullable Map<String, String> metadata,
    List<String> entrypoint,
    @Nullable String expiresAt,
    String createdAt) {}
