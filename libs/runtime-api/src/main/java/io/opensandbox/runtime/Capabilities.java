package io.opensandbox.runtime;

import java.util.Set;

/// What a runtime offers. A request that needs something missing is refused before anything is
/// made.
///
/// @param features what it can do
/// @param platformOs the OS of sandboxes, `linux`
/// @param platformArch `amd64` or `arm64`
public record Capabilities(Set<Feature> features, String platformOs, String platformArch) {
  /// Copies the set.
  public Capabilities {
    features = Set.copyOf(features);
  }

  /// Whether it offers `feature`.
  public boolean has(Feature feature) {
    return features.contains(feature);
  }

  /// A part of the lifecycle that a runtime may lack.
  public enum Feature {
    PAUSE,
    /// Pauses are not seen by what they stop: without it processes are stopped by `SIGSTOP` and go
    /// on by `SIGCONT`, of which they and their parents are told.
    FREEZER,
    SNAPSHOT,
    NETWORK_POLICY,
    HOST_VOLUMES,
    NAMED_VOLUMES,
    OSSFS_VOLUMES,
    GPU,
    FORK,
    DISK_QUOTA,
    /// Limits of cpu, memory and processes hold.
    RESOURCE_LIMITS,
    /// Files and processes of images may belong to other users than root.
    IMAGE_USERS
  }
}
