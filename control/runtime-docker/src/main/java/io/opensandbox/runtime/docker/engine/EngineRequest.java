package io.opensandbox.runtime.docker.engine;

import java.io.InputStream;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One call.
///
/// @param path with query, escaped
/// @param json body, or null
/// @param stream body that is no JSON, or null
record EngineRequest(
    String method,
    String path,
    Map<String, String> headers,
    @Nullable String json,
    @Nullable InputStream stream) {
  static EngineRequest of(String method, String path) {
    return new EngineRequest(method, path, Map.of(), null, null);
  }
}
