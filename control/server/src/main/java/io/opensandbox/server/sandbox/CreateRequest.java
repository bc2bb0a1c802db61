package io.opensandbox.server.sandbox;

import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.VolumeMount;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// A create that passed every check the request alone and the configuration allow.
///
/// @param image to run; empty when a snapshot is restored or a pool gives one
/// @param snapshotId to restore
/// @param poolRef pool to claim from
/// @param timeout life; empty for manual clean-up
/// @param entrypoint as requested, before splitting; empty when it was absent
/// @param env without the entries whose value was null
record CreateRequest(
    Optional<ImageRequest> image,
    Optional<String> snapshotId,
    Optional<String> poolRef,
    Optional<ImageRequest.Platform> platform,
    Optional<Duration> timeout,
    ResourceLimits limits,
    Map<String, String> env,
    Map<String, String> metadata,
    List<String> entrypoint,
    List<VolumeMount> volumes,
    OptionalInt accessRenewSeconds) {
  CreateRequest {
    env = Collections.unmodifiableMap(new LinkedHashMap<>(env));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    entrypoint = List.copyOf(entrypoint);
    volumes = List.copyOf(volumes);
  }

  /// The same for a member of a pool.
  CreateRequest inPool(String pool) {
    return new CreateRequest(
        image,
        snapshotId,
        Optional.of(pool),
        platform,
        timeout,
        limits,
        env,
        metadata,
        entrypoint,
        volumes,
        accessRenewSeconds);
  }

  /// Its text form tells nothing, because most of it may be secret.
  @Override
  public String toString() {
    return "CreateRequest";
  }
}
