package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;

/// The image a sandbox was made from, without credentials.
///
/// @param uri as the client asked for it
@Json
public record SandboxImage(String uri) {}
