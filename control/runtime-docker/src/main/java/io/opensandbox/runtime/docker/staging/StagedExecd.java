package io.opensandbox.runtime.docker.staging;

import java.nio.file.Path;

/// execd as it gets into sandboxes.
public sealed interface StagedExecd {
  /// Content id of the execd image.
  String imageId();

  /// Mounted read-only from a directory of the engine's host.
  ///
  /// @param root directory with `execd`, `bootstrap.sh` and `tree`
  /// @param tree name of the unpacked runtime, `.execd-<hash>`
  record Mounted(String imageId, String root, String tree) implements StagedExecd {}

  /// Uploaded into each container.
  ///
  /// @param tar file with `opt/opensandbox/execd` and `opt/opensandbox/bootstrap.sh`
  record Copied(String imageId, Path tar) implements StagedExecd {}
}
