package io.opensandbox.runtime.local.image;

import io.avaje.jsonb.Json;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The parts of an OCI image layout that are read (image-spec 1.1).
final class Oci {
  private Oci() {}

  /// `index.json`.
  @Json
  record Index(List<Descriptor> manifests) {}

  /// A pointer to a blob.
  @Json
  record Descriptor(String digest, @Nullable Map<String, String> annotations) {
    /// The name that an index gives the image, or empty text.
    String name() {
      return annotations == null
          ? ""
          : annotations.getOrDefault("org.opencontainers.image.ref.name", "");
    }

    /// The digest's hexadecimal part, checked, so that it can name a file.
    String hash() {
      return hash(digest);
    }

    static String hash(String digest) {
      if (!digest.matches("sha256:[0-9a-f]{64}")) {
        throw new IllegalArgumentException("\"" + digest + "\" is not a SHA-256 digest");
      }
      return digest.substring("sha256:".length());
    }
  }

  /// An image manifest.
  @Json
  record Manifest(Descriptor config, List<Descriptor> layers) {}

  /// An image configuration.
  @Json
  record Config(
      @Nullable String os,
      @Nullable String architecture,
      @Nullable Settings config,
      RootFs rootfs) {
    /// Whether it can run on Linux on `wanted`; what an image does not say is taken on trust.
    boolean runsOn(String wanted) {
      return (os == null || os.isEmpty() || os.equals("linux"))
          && (architecture == null || architecture.isEmpty() || architecture.equals(wanted));
    }
  }

  /// What to run and how.
  @Json
  record Settings(
      @Json.Property("Env") @Nullable List<String> env,
      @Json.Property("User") @Nullable String user,
      @Json.Property("WorkingDir") @Nullable String workingDirectory) {}

  /// Digests of the unpacked layers, the lowest first.
  @Json
  record RootFs(@Json.Property("diff_ids") List<String> diffIds) {}
}
