package io.opensandbox.runtime.docker.volume;

import java.nio.file.Path;
import java.util.List;

/// What the volumes of one sandbox became.
///
/// @param binds `source:target:ro|rw`, in request order
/// @param owned names of volumes that go with the sandbox
/// @param made names of volumes that did not exist before
/// @param buckets folders where OSS buckets are mounted
public record BoundVolumes(
    List<String> binds, List<String> owned, List<String> made, List<Path> buckets) {
  /// Copies the lists.
  public BoundVolumes {
    binds = List.copyOf(binds);
    owned = List.copyOf(owned);
    made = List.copyOf(made);
    buckets = List.copyOf(buckets);
  }
}
