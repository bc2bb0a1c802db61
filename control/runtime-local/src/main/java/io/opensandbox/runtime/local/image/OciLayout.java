package io.opensandbox.runtime.local.image;

import io.avaje.jsonb.Jsonb;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// OCI image layouts (image-spec 1.1) on this machine.
///
/// Images that a configured layout names are known by that name, as if they had been pulled.
final class OciLayout {
  private static final Jsonb JSON = Jsonb.builder().failOnUnknown(false).build();

  private final List<Path> layouts;

  /// @param layouts directories; one that is not there holds nothing
  OciLayout(List<Path> layouts) {
    this.layouts = List.copyOf(layouts);
  }

  /// The image with this name, tag included, in the first layout that has it.
  Optional<Stored> find(String reference) {
    for (Path layout : layouts) {
      Optional<Stored> found =
          index(layout).manifests().stream()
              .filter(manifest -> manifest.name().equals(reference))
              .map(manifest -> new Stored(layout.resolve("blobs"), manifest))
              .findFirst();
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  /// The images of a layout.
  static Oci.Index index(Path layout) {
    try {
      return JSON.type(Oci.Index.class).fromJson(Files.readString(layout.resolve("index.json")));
    } catch (NoSuchFileException e) {
      return new Oci.Index(List.of());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the image layout " + layout, e);
    }
  }

  /// An image whose blobs are in a directory.
  ///
  /// @param blobs has a directory `sha256`
  /// @param descriptor of the manifest
  record Stored(Path blobs, Oci.Descriptor descriptor) {
    /// The manifest.
    Oci.Manifest manifest() {
      return read(descriptor, Oci.Manifest.class);
    }

    /// What `manifest` says of the image.
    Oci.Config config(Oci.Manifest manifest) {
      return read(manifest.config(), Oci.Config.class);
    }

    /// Where a blob is.
    Path file(Oci.Descriptor blob) {
      return blobs.resolve("sha256").resolve(blob.hash());
    }

    private <T> T read(Oci.Descriptor blob, Class<T> type) {
      try {
        return JSON.type(type).fromJson(Files.readString(file(blob)));
      } catch (IOException e) {
        throw new UncheckedIOException("cannot read blob " + blob.digest(), e);
      }
    }
  }
}
