package io.opensandbox.runtime.local.image;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.SandboxRuntime.ProgressListener;
import io.opensandbox.runtime.local.process.Runner;
import io.opensandbox.runtime.local.record.RecordStore;
import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/// The images on this machine: `host`, pulled ones and snapshots.
public final class Images {
  /// Begins the reference of every snapshot.
  public static final String SNAPSHOTS = "opensandbox-snapshots:";

  /// Where images may come from.
  ///
  /// @param directories below which `oci:` and `docker-archive:` references may point
  /// @param insecureRegistries `host[:port]` of registries spoken to without TLS
  /// @param layouts OCI image layouts whose images are known by their names
  public record Sources(
      List<Path> directories, List<String> insecureRegistries, List<Path> layouts) {
    /// Copies the lists.
    public Sources {
      directories = List.copyOf(directories);
      layouts = List.copyOf(layouts);
      insecureRegistries = List.copyOf(insecureRegistries);
    }
  }

  private final Path directory;
  private final RecordStore records;
  private final Layers layers;
  private final HostImage host;
  private final OciLayout layouts;
  private final ImagePull puller;
  private final Map<String, CompletableFuture<Image>> pulls = new ConcurrentHashMap<>();

  /// Images recorded below `directory`.
  ///
  /// @param downloads for what is on its way
  /// @param architecture that is pulled, `amd64` or `arm64`
  /// @param sources where images may come from
  public Images(
      Path directory,
      Path downloads,
      String architecture,
      Sources sources,
      RecordStore records,
      Layers layers,
      Runner runner) {
    this.directory = directory;
    this.records = records;
    this.layers = layers;
    this.host = new HostImage(Path.of("/"), layers);
    this.layouts = new OciLayout(sources.layouts());
    this.puller =
        new ImagePull(
            downloads,
            layers,
            architecture,
            sources.directories(),
            sources.insecureRegistries(),
            runner);
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
    String name = canonical(reference);
    Optional<OciLayout.Stored> stored = layouts.find(name);
    return records
        .read(file(name), Image.class)
        .filter(image ->
            stored.isEmpty() || image.id().equals(stored.get().manifest().config().digest()))
        .filter(this::isComplete);
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
    return pull(request, progress);
  }

  /// Whoever asks while a pull of the same image with the same login is under way waits for that.
  private Image pull(ImageRequest request, ProgressListener progress) {
    String key = hash(canonical(request.reference()) + "\0" + request.auth().map(Images::login));
    CompletableFuture<Image> mine = new CompletableFuture<>();
    CompletableFuture<Image> running = pulls.putIfAbsent(key, mine);
    if (running == null) {
      try {
        progress.progress("pulling " + request.reference());
        Image image = bring(request, progress);
        save(image);
        progress.progress("pulled " + request.reference());
        mine.complete(image);
      } catch (RuntimeException e) {
        mine.completeExceptionally(e);
      } finally {
        pulls.remove(key);
      }
      running = mine;
    } else {
      progress.progress("waiting for the pull of " + request.reference());
    }
    try {
      return running.join();
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new SandboxException(
          ErrorCode.IMAGE_PULL_FAILED,
          "Failed to pull image " + request.reference() + ": " + cause.getMessage(),
          cause);
    }
  }

  private Image bring(ImageRequest request, ProgressListener progress) {
    String name = canonical(request.reference());
    Optional<OciLayout.Stored> stored = layouts.find(name);
    if (stored.isEmpty()) {
      return puller.pull(request, progress);
    }
    try {
      return puller.unpack(name, stored.get(), progress);
    } catch (IOException e) {
      throw new UncheckedIOException(String.valueOf(e.getMessage()), e);
    }
  }

  private static String login(ImageRequest.Auth auth) {
    return auth.username() + "\0" + auth.password();
  }

  /// Notes that an image is used now, which keeps it longer.
  public void touch(Image image, Instant now) {
    Path file = file(image.reference());
    try {
      if (Files.exists(file)) {
        Files.setLastModifiedTime(file, FileTime.from(now));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot touch " + file, e);
    }
  }

  /// Removes pulled images that nothing uses, the longest unused first, until what is left fits.
  /// Snapshots are never removed; downloads go first.
  ///
  /// @param inUse references of images that sandboxes run
  /// @param layersInUse layers that must stay
  /// @return how many images were removed
  public int collect(long limitBytes, Set<String> inUse, Set<String> layersInUse) {
    if (layers.size() + downloads() <= limitBytes) {
      return 0;
    }
    if (Files.exists(puller.blobs())) {
      layers.removeTree(puller.blobs());
    }
    int removed = 0;
    List<Image> candidates =
        all().stream()
            .filter(image -> !image.reference().startsWith(SNAPSHOTS))
            .filter(image -> !inUse.contains(image.reference()))
            .sorted(Comparator.comparing(this::lastUsed))
            .toList();
    for (Image image : candidates) {
      if (layers.size() <= limitBytes) {
        break;
      }
      remove(image.reference(), layersInUse);
      removed++;
    }
    return removed;
  }

  private long downloads() {
    return Files.exists(puller.blobs()) ? layers.size(puller.blobs()) : 0;
  }

  private FileTime lastUsed(Image image) {
    try {
      return Files.getLastModifiedTime(file(image.reference()));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at image " + image.reference(), e);
    }
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
      layersOf(host.current()).forEach(needed::add);
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
