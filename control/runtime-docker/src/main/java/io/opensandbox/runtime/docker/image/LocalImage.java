package io.opensandbox.runtime.docker.image;

import java.util.Map;

/// An image on the engine.
///
/// @param id content id, `sha256:...`
/// @param os lower case
/// @param arch normalised as in [Platforms]
/// @param labels the image's own labels
public record LocalImage(String id, String os, String arch, Map<String, String> labels) {
  /// Copies the labels.
  public LocalImage {
    labels = Map.copyOf(labels);
  }
}
