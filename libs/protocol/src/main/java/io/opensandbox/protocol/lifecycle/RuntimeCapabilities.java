package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import java.util.List;

/// What the server's runtime can do.
///
/// @param runtime `docker`, `local` or `kubernetes`
/// @param features lower-case names, sorted
/// @param platform of its sandboxes
@Json
public record RuntimeCapabilities(
    String runtime, List<String> features, SandboxPlatform platform) {}
