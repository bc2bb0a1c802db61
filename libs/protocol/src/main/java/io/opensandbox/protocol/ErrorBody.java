package io.opensandbox.protocol;

import io.avaje.jsonb.Json;

/// The one error envelope of every API: `{"code": "...", "message": "..."}`, both always present.
///
/// @param code machine-readable and stable; clients branch on it
/// @param message for people: names the field and says what is allowed
@Json
public record ErrorBody(String code, String message) {}
