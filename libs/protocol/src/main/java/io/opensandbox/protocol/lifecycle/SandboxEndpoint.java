package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Where a port of a sandbox is reached.
///
/// @param endpoint `host[:port][/path]`, never with a scheme or a trailing slash
/// @param headers to send with every request; null when there are none
@Json
public record SandboxEndpoint(String endpoint, @Nullable Map<String, String> headers) {}
