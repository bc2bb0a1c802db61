package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;

/// An explicit platform constraint, normalised.
///
/// @param os `linux` or `windows`
/// @param arch `amd64` or `arm64`
@Json
public record SandboxPlatform(String os, String arch) {}
