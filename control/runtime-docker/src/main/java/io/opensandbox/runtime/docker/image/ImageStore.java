package io.opensandbox.runtime.docker.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.dockerjava.api.model.AuthConfig;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.SandboxRuntime.ProgressListener;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/// Finds and pulls images.
public final class ImageStore {
  /// Repository of snapshots; never pulled, because it exists on this engine only.
  public static final String SNAPSHOTS = "opensandbox-snapshots";

  // What a lost event could hide is forgotten after this long.
  private static final long KEEP_NANOS = Duration.ofSeconds(10).toNanos();
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Engine engine;
  private final Duration silence;
  private final Map<String, Known> known = new ConcurrentHashMap<>();
  private final Map<PullKey, Pull> pulls = new ConcurrentHashMap<>();
  private volatile boolean eventsFlow;

  /// @param silence how long a pull may make no progress
  public ImageStore(Engine engine, Duration silence) {
    this.engine = engine;
    this.silence = silence;
  }

  /// Tells whether changes of images are announced through [#forget]; while they are not, nothing
  /// is remembered.
  public void eventsFlow(boolean flow) {
    eventsFlow = flow;
    forget();
  }

  /// Drops what is known, because some image changed.
  public void forget() {
    known.clear();
  }

  /// The image under a reference, if it is on the engine. Throws `IMAGE_PULL_FAILED` when the
  /// engine cannot say.
  public Optional<LocalImage> find(String reference) {
    Known kept = known.get(reference);
    if (kept != null && System.nanoTime() - kept.atNanos() < KEEP_NANOS) {
      return Optional.of(kept.image());
    }
    long now = System.nanoTime();
    Optional<LocalImage> found = inspect(reference);
    if (eventsFlow && found.isPresent()) {
      known.put(reference, new Known(found.get(), now));
    }
    return found;
  }

  /// Whether [#prepare] would return without pulling.
  public boolean isPresent(ImageRequest request) {
    return find(request.reference()).filter(image -> fits(image, request)).isPresent();
  }

  /// Makes sure that an image is there; see `SandboxRuntime#prepareImage`.
  public PreparedImage prepare(ImageRequest request, ProgressListener progress) {
    String reference = request.reference();
    Optional<LocalImage> present = find(reference);
    if (present.isPresent() && fits(present.get(), request)) {
      return new PreparedImage(reference, present.get().id());
    }
    ImageName name =
        ImageName.parse(reference)
            .orElseThrow(() -> pullFailed(reference, "invalid reference format", null));
    if (name.repository().equals(SNAPSHOTS)) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_INVALID_RESTORE_CONFIG,
          "the image of the snapshot is gone: \"" + reference + "\"");
    }
    pullShared(request, name, progress);
    LocalImage pulled =
        find(reference)
            .orElseThrow(() -> pullFailed(reference, "it is not there after the pull", null));
    return new PreparedImage(reference, pulled.id());
  }

  private boolean fits(LocalImage image, ImageRequest request) {
    String os = request.platform().map(ImageRequest.Platform::os).orElse(engine.os());
    String arch = request.platform().map(ImageRequest.Platform::arch).orElse(engine.arch());
    return image.os().equals(os) && image.arch().equals(Platforms.arch(arch));
  }

  private Optional<LocalImage> inspect(String reference) {
    if (ImageName.parse(reference).isEmpty() && !reference.startsWith("sha256:")) {
      return Optional.empty();
    }
    String path = Engine.encode(reference).replace("%2F", "/");
    try {
      JsonNode image = engine.get("/images/" + path + "/json");
      Map<String, String> labels = new HashMap<>();
      image
          .path("Config")
          .path("Labels")
          .properties()
          .forEach(label -> labels.put(label.getKey(), label.getValue().asText("")));
      return Optional.of(
          new LocalImage(
              image.path("Id").asText(),
              image.path("Os").asText("linux"),
              Platforms.arch(image.path("Architecture").asText()),
              labels));
    } catch (EngineException e) {
      if (e.isNotFound()) {
        return Optional.empty();
      }
      if (e.status() == 400) {
        throw pullFailed(reference, e.text(), e);
      }
      throw new SandboxException(
          ErrorCode.IMAGE_PULL_FAILED, "Failed to inspect image " + reference + ": " + e.text(), e);
    }
  }

  private void pullShared(ImageRequest request, ImageName name, ProgressListener progress) {
    PullKey key = new PullKey(name, request.auth(), request.platform());
    Pull mine = new Pull();
    Pull running = pulls.putIfAbsent(key, mine);
    Pull pull = running == null ? mine : running;
    pull.listeners.add(progress);
    try {
      if (running == null) {
        lead(key, mine, request);
      }
      pull.done.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof SandboxException failure) {
        // A new one for each caller: one exception must not collect the traces of all of them.
        throw new SandboxException(failure.code(), String.valueOf(failure.getMessage()), e);
      }
      throw pullFailed(request.reference(), String.valueOf(e.getCause()), e);
    } finally {
      pull.listeners.remove(progress);
    }
  }

  private void lead(PullKey key, Pull pull, ImageRequest request) {
    try {
      pull(key.name(), request, message -> pull.listeners.forEach(one -> one.progress(message)));
      forget();
      pull.done.complete(true);
    } catch (RuntimeException e) {
      pull.done.completeExceptionally(e);
    } finally {
      pulls.remove(key);
    }
  }

  private void pull(ImageName name, ImageRequest request, ProgressListener progress) {
    String reference = request.reference();
    progress.progress("Pulling image " + reference);
    StringBuilder path = new StringBuilder("/images/create?fromImage=");
    path.append(Engine.encode(name.repository()));
    path.append("&tag=").append(Engine.encode(name.tag()));
    request
        .platform()
        .filter(platform -> platform.os().equals("linux"))
        .ifPresent(platform ->
            path.append("&platform=").append(Engine.encode(platform.os() + "/" + platform.arch())));
    PullProgress lines = new PullProgress(reference);
    try {
      engine.stream(
          "POST",
          path.toString(),
          login(name, request),
          silence,
          line -> {
            if (line.hasNonNull("error")) {
              throw pullFailed(reference, line.path("error").asText(), null);
            }
            lines.next(line).ifPresent(progress::progress);
          });
    } catch (EngineException e) {
      throw pullFailed(reference, e.text(), e);
    }
  }

  private Map<String, String> login(ImageName name, ImageRequest request) {
    ObjectNode login = JSON.createObjectNode();
    if (request.auth().isPresent()) {
      login.put("username", request.auth().get().username());
      login.put("password", request.auth().get().password());
      login.put("serveraddress", name.registry());
    } else {
      Optional<AuthConfig> configured = engine.configuredLogin(name.repository());
      if (configured.isEmpty()) {
        return Map.of();
      }
      AuthConfig auth = configured.get();
      put(login, "username", auth.getUsername());
      put(login, "password", auth.getPassword());
      put(login, "auth", auth.getAuth());
      put(login, "identitytoken", auth.getIdentitytoken());
      put(login, "registrytoken", auth.getRegistrytoken());
      put(login, "serveraddress", auth.getRegistryAddress());
    }
    byte[] text = login.toString().getBytes(StandardCharsets.UTF_8);
    return Map.of("X-Registry-Auth", Base64.getUrlEncoder().encodeToString(text));
  }

  private static void put(ObjectNode login, String field, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      login.put(field, value);
    }
  }

  private static SandboxException pullFailed(
      String reference, String why, @Nullable Throwable cause) {
    String message = "Failed to pull image " + reference + ": " + why;
    return cause == null
        ? new SandboxException(ErrorCode.IMAGE_PULL_FAILED, message)
        : new SandboxException(ErrorCode.IMAGE_PULL_FAILED, message, cause);
  }

  private record Known(LocalImage image, long atNanos) {}

  private record PullKey(
      ImageName name, Optional<ImageRequest.Auth> auth, Optional<ImageRequest.Platform> platform) {}

  private static final class Pull {
    final CompletableFuture<Boolean> done = new CompletableFuture<>();
    final List<ProgressListener> listeners = new CopyOnWriteArrayList<>();
  }
}
