package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The answer to a create; null members are left out on the wire.
///
/// @param id UUID text
/// @param status `Running`, or `Pending` while the image is being pulled
/// @param metadata as requested; null when there is none
/// @param platform the explicit constraint of the request
/// @param expiresAt RFC 3339, UTC; null for manual clean-up
/// @param createdAt RFC 3339, UTC
/// @param entrypoint as requested
@Json
public record CreatedSandbox(
    String id,
    SandboxStatus status,
    @Nullable Map<String, String> metadata,
    @Nullable SandboxPlatform platform,
    @Nullable String expiresAt,
    String createdAt,
    List<String> entrypoint) {}
