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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Stream;

/// The images on this machine: `host`, pulled ones and snapshots.
public final class Images implements AutoCloseable {
  /// Begins the reference of every snapshot.
  public static final String SNAPSHOTS = "opensandbox-snapshots:";

  /// Begins the name of a layer that a snapshot captured.
  public static final String SNAPSHOT_LAYER = "snap-";

  /// How long a prepared image waits for its sandbox.
  private static final Duration PROMISE = Duration.ofMinutes(10);

  /// How long a registry may send nothing, a token's way there and back included.
  private static final Duration SILENCE = Duration.ofMinutes(2);

  /// Where images may come from.
  ///
  /// @param directories below which `oci:` and `docker-archive:` references may point
  /// @param insecureRegistries `host[:port]` of registries spoken to without TLS
  /// @param layouts OCI image layouts whose images are known by their names
  /// @param maxBytes that one image may be to download, and may unpack to
  public record Sources(
      List<Path> directories, List<String> insecureRegistries, List<Path> layouts, long maxBytes) {
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
  private final Pulls pulls = new Pulls();
  private final Holds holds = new Holds();

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
            new ImagePull.Limits(sources.maxBytes(), SILENCE),
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

  /// The image, pulled when it is not here. It stays for the sandbox that is to be made from it:
  /// until [#open] was called as often as this, or ten minutes went by.
  ///
  /// Throws `IMAGE_PULL_FAILED`, or `SNAPSHOT_INVALID_RESTORE_CONFIG` for a snapshot that is gone.
  public Image prepare(ImageRequest request, Instant now, ProgressListener progress) {
    String name = canonical(request.reference());
    holds.promise(name, now.plus(PROMISE));
    try {
      return findOrPull(request, progress);
    } catch (RuntimeException e) {
      holds.settle(name);
      throw e;
    }
  }

  private Image findOrPull(ImageRequest request, ProgressListener progress) {
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
    try {
      return pulls.join(key, request.reference(), told -> bringAndSave(request, told), progress);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw failed(request, String.valueOf(cause.getMessage()), cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed(request, "interrupted", e);
    } catch (CancellationException | RejectedExecutionException e) {
      throw failed(request, "the server is stopping", e);
    }
  }

  private static SandboxException failed(ImageRequest request, String reason, Throwable cause) {
    return new SandboxException(
        ErrorCode.IMAGE_PULL_FAILED,
        "Failed to pull image " + request.reference() + ": " + reason,
        cause);
  }

  private Image bringAndSave(ImageRequest request, ProgressListener progress) {
    try (Holds.Hold hold = holds.open()) {
      Image image = bring(request, hold, progress);
      save(image);
      progress.progress("pulled " + request.reference());
      return image;
    }
  }

  private Image bring(ImageRequest request, Holds.Hold hold, ProgressListener progress) {
    String name = canonical(request.reference());
    Optional<OciLayout.Stored> stored = layouts.find(name);
    if (stored.isEmpty()) {
      return puller.pull(request, hold, progress);
    }
    try {
      return puller.unpack(name, stored.get(), hold, progress);
    } catch (IOException e) {
      throw new UncheckedIOException(String.valueOf(e.getMessage()), e);
    }
  }

  private static String login(ImageRequest.Auth auth) {
    return auth.username() + "\0" + auth.password();
  }

  /// Keeps nothing yet; see [#open] and [#keep].
  public Holds.Hold hold() {
    return holds.open();
  }

  /// The image for a sandbox, if it is still here; it stays until `hold` is closed.
  public Optional<Image> open(String reference, Holds.Hold hold) {
    String name = canonical(reference);
    hold.add(List.of(name));
    holds.settle(name);
    Optional<Image> image = find(reference);
    image.ifPresent(found -> keep(found, hold));
    return image.filter(this::isComplete);
  }

  /// Keeps the layers of an image until `hold` is closed.
  public void keep(Image image, Holds.Hold hold) {
    hold.add(layersOf(image).toList());
  }

  /// Keeps a layer that is going to be made until `hold` is closed.
  public void keep(String layer, Holds.Hold hold) {
    hold.add(List.of(layer));
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

  /// Who uses images and layers besides this class.
  public interface Users {
    /// References of the images that sandboxes run.
    Set<String> images();

    /// Names of the layers that sandboxes need.
    Set<String> layers();
  }

  /// Whether pulled images take more than `limitBytes`, downloads not counted. Cheap but for layers
  /// that are seen for the first time.
  public boolean isOver(long limitBytes) {
    return pulledLayers().stream().mapToLong(layers::size).sum() > limitBytes;
  }

  /// Removes layers that nothing refers to, then downloads and pulled images that nothing uses, the
  /// longest unused first, until what is left fits. Snapshots are never removed, nor is an image
  /// whose layers others need: that would free nothing.
  ///
  /// @return how many images were removed
  public int collect(long limitBytes, Users users, Instant now) {
    long bytes = pulledLayers().stream().mapToLong(layers::size).sum();
    if (bytes + puller.downloadedBytes() > limitBytes) {
      pulls.whenIdle(puller::removeDownloads);
    }
    Round round =
        holds.still(() -> {
          Round found = new Round(users, now);
          found.removeOrphans();
          found.removeUnused(limitBytes);
          return found;
        });
    layers.sweep();
    return round.removed;
  }

  private List<String> pulledLayers() {
    return layers.names().stream().filter(ImagePull::isPulled).toList();
  }

  /// What may go, as things are while nobody takes or gives up a hold.
  private final class Round {
    private final Set<String> needed;
    private final Deque<Image> candidates = new ArrayDeque<>();
    private final Map<String, Integer> uses = new HashMap<>();
    private int removed;

    private Round(Users users, Instant now) {
      Set<String> held = holds.held();
      Set<String> running = users.images();
      this.needed = new HashSet<>(users.layers());
      needed.addAll(held);
      for (Image image : all()) {
        boolean stays =
            image.reference().startsWith(SNAPSHOTS)
                || running.contains(image.reference())
                || held.contains(image.reference())
                || holds.isPromised(image.reference(), now);
        if (stays) {
          layersOf(image).forEach(needed::add);
        } else {
          candidates.add(image);
          layersOf(image).distinct().forEach(layer -> uses.merge(layer, 1, Integer::sum));
        }
      }
    }

    private void removeOrphans() {
      layers.names().stream()
          .filter(name -> ImagePull.isPulled(name) || name.startsWith(SNAPSHOT_LAYER))
          .filter(name -> !needed.contains(name) && !uses.containsKey(name))
          .forEach(layers::discard);
    }

    private void removeUnused(long limitBytes) {
      long bytes = pulledLayers().stream().mapToLong(layers::knownSize).sum();
      List<Image> oldestFirst =
          candidates.stream().sorted(Comparator.comparing(Images.this::lastUsed)).toList();
      for (Image image : oldestFirst) {
        if (bytes > limitBytes && layersOf(image).anyMatch(layer -> !needed.contains(layer))) {
          bytes -= remove(image);
          removed++;
        }
      }
    }

    /// @return the bytes that this frees
    private long remove(Image image) {
      forget(image.reference());
      long freed = 0;
      for (String layer : layersOf(image).distinct().toList()) {
        boolean unused = uses.merge(layer, -1, Integer::sum) == 0 && !needed.contains(layer);
        if (unused && layers.has(layer)) {
          freed += layers.knownSize(layer);
          layers.discard(layer);
        }
      }
      return freed;
    }
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

  /// Forgets an image and removes the layers that nothing else needs; absent is fine.
  ///
  /// @return false when a sandbox runs it or is being made from it; nothing is changed then
  public boolean remove(String reference, Users users) {
    String name = canonical(reference);
    boolean free =
        holds.still(() -> {
          boolean used = users.images().contains(name) || holds.held().contains(name);
          if (!used) {
            Optional<Image> image = records.read(file(name), Image.class);
            forget(name);
            image.ifPresent(gone -> removeLayers(gone, users));
          }
          return !used;
        });
    layers.sweep();
    return free;
  }

  private void forget(String reference) {
    try {
      Files.deleteIfExists(file(reference));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove image " + reference, e);
    }
  }

  private void removeLayers(Image image, Users users) {
    Set<String> needed = new HashSet<>(users.layers());
    needed.addAll(holds.held());
    layersOf(host.current()).forEach(needed::add);
    all().forEach(other -> layersOf(other).forEach(needed::add));
    layersOf(image)
        .distinct()
        .filter(layer -> !needed.contains(layer) && layers.has(layer))
        .forEach(layers::discard);
  }

  /// Removes what a server that was killed left half done. Call before anything is pulled.
  public void removeUnfinished() {
    puller.removeUnfinished();
  }

  /// Ends the pulls under way.
  @Override
  public void close() {
    pulls.close();
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
