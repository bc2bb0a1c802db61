package io.opensandbox.runtime.local.image;

import io.avaje.jsonb.Jsonb;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.SandboxRuntime.ProgressListener;
import io.opensandbox.runtime.local.process.Runner;
import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/// Brings an image from a registry or a file onto this machine, with skopeo.
final class ImagePull {
  private static final Duration COPY_LIMIT = Duration.ofMinutes(30);
  private static final Duration LOOK = Duration.ofSeconds(1);
  private static final String BLOBS = "blobs";
  private static final String BY_DIGEST = "sha256";
  private static final String BY_CONTENT = "l-";
  private static final String BY_ARCHIVE = "z-";
  private static final int LAYER_NAME_LENGTH = 26;
  private static final int UNPACK_AT_ONCE = 2;

  /// What one image may cost.
  ///
  /// @param bytes that it may be to download, and may unpack to
  /// @param silence how long its registry may send nothing
  record Limits(long bytes, Duration silence) {}

  private final Path work;
  private final Layers layers;
  private final String architecture;
  private final List<Path> directories;
  private final List<String> insecureRegistries;
  private final Limits limits;
  private final Runner runner;
  private final LayerArchive archive;
  private final Jsonb jsonb = Jsonb.builder().failOnUnknown(false).build();

  /// @param work for downloads; blobs stay there so that images share them
  /// @param directories below which image files may lie
  ImagePull(
      Path work,
      Layers layers,
      String architecture,
      List<Path> directories,
      List<String> insecureRegistries,
      Limits limits,
      Runner runner) {
    this.work = work;
    this.layers = layers;
    this.architecture = architecture;
    this.directories = List.copyOf(directories);
    this.insecureRegistries = List.copyOf(insecureRegistries);
    this.limits = limits;
    this.runner = runner;
    this.archive = new LayerArchive(runner);
  }

  /// Whether a layer of this name came with an image.
  static boolean isPulled(String layer) {
    return layer.startsWith(BY_CONTENT) || layer.startsWith(BY_ARCHIVE);
  }

  private Path blobs() {
    return work.resolve(BLOBS).resolve(BY_DIGEST);
  }

  /// So that pulls share what they have whole, and each can tell what is its own.
  private static void linkAll(Path from, Path to) throws IOException {
    try (Stream<Path> blobs = Files.list(from)) {
      for (Path blob : (Iterable<Path>) blobs::iterator) {
        try {
          Files.createLink(to.resolve(blob.getFileName()), blob);
        } catch (FileAlreadyExistsException e) {
          // The same: its name is its digest.
        }
      }
    }
  }

  /// Bytes of downloads that are kept for other images.
  long downloadedBytes() {
    return Files.exists(blobs()) ? layers.size(blobs()) : 0;
  }

  /// Removes the downloads that are kept for other images. Call while nothing is pulled.
  void removeDownloads() {
    if (Files.exists(blobs())) {
      layers.removeTree(blobs());
    }
  }

  /// Removes what pulls of an earlier server left, logins among it.
  void removeUnfinished() {
    if (!Files.exists(work)) {
      return;
    }
    try (Stream<Path> entries = Files.list(work)) {
      entries
          .filter(path -> !path.getFileName().toString().equals(BLOBS))
          .forEach(layers::removeTree);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + work, e);
    }
  }

  /// Fetches the image and unpacks the layers that are not here yet.
  ///
  /// @param hold keeps the layers, also those that are here already
  /// @throws RuntimeException with the registry's words
  Image pull(ImageRequest request, Holds.Hold hold, ProgressListener progress) {
    ImageSource source = ImageSource.parse(request.reference(), directories);
    try {
      Files.createDirectories(blobs());
      Path layout = Files.createTempDirectory(work, "pull-");
      try {
        Path own = Files.createDirectories(layout.resolve(BLOBS).resolve(BY_DIGEST));
        linkAll(blobs(), own);
        try {
          copy(source, request.auth(), layout);
        } finally {
          linkAll(own, blobs());
        }
        Oci.Index index = OciLayout.index(layout);
        OciLayout.Stored stored =
            new OciLayout.Stored(layout.resolve(BLOBS), index.manifests().getFirst());
        return unpack(request.reference(), stored, hold, progress);
      } finally {
        layers.removeTree(layout);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(String.valueOf(e.getMessage()), e);
    }
  }

  private void copy(ImageSource source, Optional<ImageRequest.Auth> auth, Path layout)
      throws IOException {
    List<String> argv =
        new ArrayList<>(
            List.of(
                // Nobody's settings and logins but the request's; an ordinary user could not even
                // read those of root, whom skopeo takes it for.
                "env",
                "HOME=" + layout,
                "skopeo",
                "--tmpdir=" + layout,
                "copy",
                "--quiet",
                "--insecure-policy",
                // A layout cannot keep them, and an ordinary user not read the host's.
                "--remove-signatures",
                // As the registry sends it, so that what arrives is what lies on the disk.
                "--dest-oci-accept-uncompressed-layers",
                "--override-os=linux",
                "--override-arch=" + architecture,
                "--dest-shared-blob-dir=" + layout.resolve(BLOBS)));
    boolean plain =
        source.isLoopback() || source.registry().filter(insecureRegistries::contains).isPresent();
    if (plain) {
      argv.add("--src-tls-verify=false");
    }
    if (source.registry().isPresent()) {
      Path file = layout.resolve("auth.json");
      writeAuth(file, source.registry().get(), auth);
      argv.add("--src-authfile=" + file);
    }
    argv.add(source.name());
    argv.add("oci:" + layout + ":image");
    DownloadWatch watch =
        new DownloadWatch(layout, limits.bytes(), limits.silence(), System.nanoTime());
    Runner.Output output = watched(Runner.Command.of(argv).within(COPY_LIMIT), watch);
    watch.checkBytes();
    if (output.exitCode() != 0) {
      throw new Runner.RunFailure(reason(output.stderr()));
    }
  }

  /// Runs a command, which ends early when it downloads too much or nothing.
  private Runner.Output watched(Runner.Command command, DownloadWatch watch) throws IOException {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Runner.Output> copy = threads.submit(() -> runner.run(command));
      try {
        while (true) {
          try {
            return copy.get(LOOK.toMillis(), TimeUnit.MILLISECONDS);
          } catch (TimeoutException e) {
            watch.check(System.nanoTime());
          }
        }
      } catch (ExecutionException e) {
        throw e.getCause() instanceof RuntimeException failure
            ? failure
            : new IllegalStateException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while downloading", e);
      } finally {
        copy.cancel(true);
      }
    }
  }

  /// skopeo's own log line reduced to what it says.
  static String reason(String stderr) {
    String last = stderr.strip().lines().reduce((_, line) -> line).orElse("skopeo failed");
    int message = last.indexOf("msg=\"");
    return message < 0
        ? last
        : last.substring(message + 5).replaceFirst("\"\\s*$", "").replace("\\\"", "\"");
  }

  /// The password goes through a file that only we can read, never through an argument.
  private void writeAuth(Path file, String registry, Optional<ImageRequest.Auth> auth)
      throws IOException {
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    String key = registry.equals("docker.io") ? "https://index.docker.io/v1/" : registry;
    Map<String, Map<String, String>> logins =
        auth.map(login -> Map.of(key, Map.of("auth", token(login)))).orElse(Map.of());
    Files.writeString(file, jsonb.toJson(Map.of("auths", logins)));
  }

  private static String token(ImageRequest.Auth auth) {
    return Base64.getEncoder()
        .encodeToString((auth.username() + ":" + auth.password()).getBytes(StandardCharsets.UTF_8));
  }

  /// Unpacks an image whose blobs are on this machine.
  Image unpack(
      String reference, OciLayout.Stored stored, Holds.Hold hold, ProgressListener progress)
      throws IOException {
    Oci.Manifest manifest = stored.manifest();
    Oci.Config config = stored.config(manifest);
    if (!config.runsOn(architecture)) {
      throw new IOException(
          "the image is for %s/%s; this machine runs linux/%s"
              .formatted(config.os(), config.architecture(), architecture));
    }
    List<String> diffIds = config.rootfs().diffIds();
    if (diffIds.size() != manifest.layers().size()) {
      throw new IOException(
          "the image names %d layers and has %d"
              .formatted(diffIds.size(), manifest.layers().size()));
    }
    List<Blob> blobs = blobs(stored, manifest.layers(), diffIds);
    hold.add(blobs.stream().map(Blob::layer).toList());
    List<String> names = unpackLayers(blobs, progress);
    Oci.Settings settings = config.config();
    requireText(settings);
    return new Image(
        Images.canonical(reference),
        manifest.config().digest(),
        List.of(new Tree("/", names.reversed().stream().distinct().toList())),
        environment(settings),
        settings == null || settings.user() == null ? "" : settings.user(),
        settings == null
                || settings.workingDirectory() == null
                || settings.workingDirectory().isEmpty()
            ? "/"
            : settings.workingDirectory());
  }

  /// A layer's archive.
  ///
  /// @param layer name of what is in it
  /// @param diffId hexadecimal SHA-256 of the unpacked archive
  private record Blob(Path file, String layer, String diffId) {
    static Blob of(Path file, String diffId) {
      String name =
          LayerArchive.isVerifiable(file) ? BY_CONTENT + diffId : BY_ARCHIVE + file.getFileName();
      return new Blob(file, name.substring(0, LAYER_NAME_LENGTH), diffId);
    }
  }

  private static List<Blob> blobs(
      OciLayout.Stored stored, List<Oci.Descriptor> descriptors, List<String> diffIds) {
    List<Blob> blobs = new ArrayList<>();
    for (int i = 0; i < descriptors.size(); i++) {
      blobs.add(Blob.of(stored.file(descriptors.get(i)), Oci.Descriptor.hash(diffIds.get(i))));
    }
    return blobs;
  }

  private List<String> unpackLayers(List<Blob> blobs, ProgressListener progress)
      throws IOException {
    UnpackLimit limit = new UnpackLimit(limits.bytes());
    Semaphore room = new Semaphore(UNPACK_AT_ONCE);
    AtomicInteger begun = new AtomicInteger();
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> names = new ArrayList<>();
      for (Blob blob : blobs) {
        names.add(
            tasks.submit(() -> {
              room.acquire();
              try {
                progress.progress(
                    "unpacking layer %d of %d".formatted(begun.incrementAndGet(), blobs.size()));
                layers.make(
                    blob.layer(),
                    draft -> archive.unpack(blob.file(), draft, blob.diffId(), limit));
              } finally {
                room.release();
              }
              return blob.layer();
            }));
      }
      List<String> done = new ArrayList<>();
      for (Future<String> name : names) {
        done.add(name.get());
      }
      return done;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while unpacking", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IOException("a layer: " + cause.getMessage(), cause);
    }
  }

  /// What no program can be given is refused: a zero byte ends each of them.
  private static void requireText(Oci.@org.jspecify.annotations.Nullable Settings settings)
      throws IOException {
    if (settings == null) {
      return;
    }
    Map<String, List<String>> given = new LinkedHashMap<>();
    given.put("Env", settings.env() == null ? List.of() : settings.env());
    given.put("User", settings.user() == null ? List.of() : List.of(settings.user()));
    given.put(
        "WorkingDir",
        settings.workingDirectory() == null ? List.of() : List.of(settings.workingDirectory()));
    for (var setting : given.entrySet()) {
      if (setting.getValue().stream().anyMatch(text -> text.indexOf('\0') >= 0)) {
        throw new IOException("its " + setting.getKey() + " has a zero byte");
      }
    }
  }

  private static Map<String, String> environment(
      Oci.@org.jspecify.annotations.Nullable Settings settings) {
    Map<String, String> env = new LinkedHashMap<>();
    if (settings != null && settings.env() != null) {
      for (String entry : settings.env()) {
        int equals = entry.indexOf('=');
        if (equals > 0) {
          env.put(entry.substring(0, equals), entry.substring(equals + 1));
        }
      }
    }
    return env;
  }
}
