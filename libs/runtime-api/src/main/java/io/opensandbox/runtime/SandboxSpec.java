package io.opensandbox.runtime;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Everything a runtime needs to make one sandbox; validated.
///
/// @param id UUID text, also the name of what is made
/// @param entrypoint the user's command, split already, at least one element
/// @param env request environment, in request order
/// @param limits resource limits
/// @param volumes mounts in request order
/// @param labels markers (`opensandbox.io/...`) and user metadata; enough to rebuild a lost store
/// @param platform explicit platform constraint
public record SandboxSpec(
    String id,
    List<String> entrypoint,
    Map<String, String> env,
    ResourceLimits limits,
    List<VolumeMount> volumes,
    Map<String, String> labels,
    Optional<ImageRequest.Platform> platform) {
  /// Copies the collections; the environment keeps its order.
  public SandboxSpec {
    entrypoint = List.copyOf(entrypoint);
    env = Collections.unmodifiableMap(new LinkedHashMap<>(env));
    volumes = List.copyOf(volumes);
    labels = Map.copyOf(labels);
  }
}
