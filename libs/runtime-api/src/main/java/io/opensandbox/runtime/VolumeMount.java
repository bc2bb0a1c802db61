package io.opensandbox.runtime;

import java.util.List;
import java.util.Optional;

/// A volume of a sandbox, validated as far as the request alone allows.
public sealed interface VolumeMount {
  /// Name within the request.
  String name();

  /// Absolute path in the sandbox.
  String mountPath();

  /// Whether writes are refused.
  boolean readOnly();

  /// Path below the volume's root, without leading slash or `..`.
  Optional<String> subPath();

  /// A directory or file of the host.
  record Host(
      String name, String mountPath, boolean readOnly, Optional<String> subPath, String path)
      implements VolumeMount {}

  /// A named volume of the engine.
  ///
  /// @param createIfMissing make it when it is not there
  /// @param deleteWithSandbox remove it with the sandbox if this sandbox's create made it
  record Named(
      String name,
      String mountPath,
      boolean readOnly,
      Optional<String> subPath,
      String claimName,
      boolean createIfMissing,
      boolean deleteWithSandbox)
      implements VolumeMount {}

  /// An OSS bucket mounted through ossfs. Its text form hides the credentials.
  record Ossfs(
      String name,
      String mountPath,
      boolean readOnly,
      Optional<String> subPath,
      String bucket,
      String endpoint,
      String version,
      List<String> options,
      String accessKeyId,
      String accessKeySecret)
      implements VolumeMount {
    /// Copies the options.
    public Ossfs {
      options = List.copyOf(options);
    }

    @Override
    public String toString() {
      return "Ossfs[name=" + name + ", bucket=" + bucket + ", endpoint=" + endpoint + "]";
    }
  }
}
