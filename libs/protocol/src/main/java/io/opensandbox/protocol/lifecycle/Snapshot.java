package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import org.jspecify.annotations.Nullable;

/// A captured file system; null members are left out on the wire.
///
/// @param id UUID text
/// @param sandboxId the source, which may be gone
/// @param name given by the client
/// @param status `Creating`, `Ready`, `Failed` or `Deleting`
/// @param createdAt RFC 3339, UTC
@Json
public record Snapshot(
    String id, String sandboxId, @Nullable String name, SandboxStatus status, String createdAt) {}
