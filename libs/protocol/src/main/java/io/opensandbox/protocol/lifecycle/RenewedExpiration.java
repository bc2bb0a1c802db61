package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;

/// The answer to a renewal.
///
/// @param expiresAt RFC 3339, UTC
@Json
public record RenewedExpiration(String expiresAt) {}
