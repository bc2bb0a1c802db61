package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;

/// Sandboxes that are kept ready for claims.
///
/// @param name chosen by the client
/// @param capacitySpec how many
/// @param status what there is
/// @param createdAt RFC 3339, UTC
@Json
public record Pool(String name, PoolCapacity capacitySpec, PoolStatus status, String createdAt) {}
