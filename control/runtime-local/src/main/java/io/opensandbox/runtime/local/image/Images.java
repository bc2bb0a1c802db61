package io.opensandbox.runtime.local.image;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.SandboxRuntime.ProgressListener;
import io.opensandbox.runtime.local.record.RecordStore;
import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// The images on this machine: `host`, pulled ones and snapshots.
public final class Images {
  /// Begins the reference of every snapshot.
  public static final String SNAPSHOTS = "opensandbox-snapshots:";

  private final Path directory;
  private final RecordStore records;
  private final Layers layers;
  private final HostImage host;

  /// Images recorded below `directory`.
  public Images(Path directory, RecordStore records, Layers layers, HostImage host) {
    this.directory = directory;
    this.records = records;
    this.layers = layers;
    this.host = host;
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + directory, e);
    }
  }

  /// The image, if it is here with all its layers.
  public Optional<Image> find(String reference) {
    if (reference.equals(HostImage.REFERENCE)) {
      return Optional.of(host.current());
    }
    return records.read(file(canonical(reference)), Image.class).filter(this::isComplete);
  }

  private boolean isComplete(Image image) {
    return layersOf(image).allMatch(layers::has);
  }

  /// The image, pulled when it is not here.
  ///
  /// Throws `IMAGE_PULL_FAILED`, or `SNAPSHOT_INVALID_RESTORE_CONFIG` for a snapshot that is gone.
  public Image prepare(ImageRequest request, ProgressListener progress) {
    Optional<Image> present = find(request.reference());
    if (present.isPresent()) {
      return present.get();
    }
    if (request.reference().startsWith(SNAPSHOTS)) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_INVALID_RESTORE_CONFIG,
          "image of the snapshot is gone: \"" + request.reference() + "\"");
    }
    progress.progress("pulling " + request.reference());
    throw new SandboxException(
        ErrorCode.IMAGE_PULL_FAILED, "Failed to pull image " + request.reference() + ": no puller");
  }

  /// Records an image whose layers are all there.
  public void save(Image image) {
    records.write(file(image.reference()), Image.class, image);
  }

  /// Forgets an image and removes the layers that no other image and none of `inUse` needs; absent
  /// is fine.
  public void remove(String reference, Set<String> inUse) {
    Optional<Image> image = records.read(file(canonical(reference)), Image.class);
    try {
      Files.deleteIfExists(file(canonical(reference)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove image " + reference, e);
    }
    if (image.isPresent()) {
      Set<String> needed = new HashSet<>(inUse);
      all().forEach(other -> layersOf(other).forEach(needed::add));
      layersOf(image.get())
          .distinct()
          .filter(layer -> !needed.contains(layer) && layers.has(layer))
          .forEach(layers::remove);
    }
  }

  /// Every recorded image.
  public List<Image> all() {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .flatMap(file -> records.read(file, Image.class).stream())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }

  private static Stream<String> layersOf(Image image) {
    return image.trees().stream()
        .map(Tree::lowers)
        .flatMap(List::stream)
        .filter(lower -> !lower.startsWith("/"));
  }

  private Path file(String reference) {
    return directory.resolve(hash(reference) + ".json");
  }

  /// The reference with its tag: none means `latest`.
  static String canonical(String reference) {
    String name = reference.substring(reference.lastIndexOf('/') + 1);
    boolean complete =
        reference.contains("@")
            || name.contains(":")
            || reference.startsWith("oci:")
            || reference.startsWith("docker-archive:");
    return complete ? reference : reference + ":latest";
  }

  /// SHA-256 of a text, in hexadecimal.
  public static String hash(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
