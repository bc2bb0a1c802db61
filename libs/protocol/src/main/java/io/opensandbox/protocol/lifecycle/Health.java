package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;

/// The answer of `/health`.
///
/// @param status `healthy`
@Json
public record Health(String status) {}
