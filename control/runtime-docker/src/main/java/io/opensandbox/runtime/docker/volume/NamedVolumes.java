package io.opensandbox.runtime.docker.volume;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.VolumeMount;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Named volumes of the engine, and which sandbox has to take them along when it goes.
public final class NamedVolumes {
  /// On a volume: the sandbox whose create made it and whose removal removes it.
  public static final String OWNER = Labels.PREFIX + "volume-owner";

  private static final Logger log = LoggerFactory.getLogger(NamedVolumes.class);
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
  private static final Duration YOUNG = Duration.ofMinutes(1);
  private static final int MAX_NAME = 253;
  private static final int MAX_LEFT = 10_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Engine engine;
  private final Clock clock;
  // Names of volumes that were in use when they were to be removed.
  private final Set<String> left = ConcurrentHashMap.newKeySet();

  /// Volumes of `engine`.
  public NamedVolumes(Engine engine, Clock clock) {
    this.engine = engine;
    this.clock = clock;
  }

  /// Refuses a mount that [#source] would refuse, making nothing.
  void check(VolumeMount.Named mount) {
    checkName(mount);
    Optional<Volume> there = find(mount);
    if (there.isPresent()) {
      bindSource(mount, there.get());
    } else if (!mount.createIfMissing()) {
      throw missing(mount);
    }
  }

  /// The left side of the bind; makes the volume when it is missing and may be made.
  ///
  /// @param made told the name of a volume that was made
  String source(VolumeMount.Named mount, String sandboxId, MadeVolume made) {
    checkName(mount);
    Optional<Volume> there = find(mount);
    if (there.isEmpty()) {
      if (!mount.createIfMissing()) {
        throw missing(mount);
      }
      make(mount, sandboxId);
      made.made(mount.claimName(), mount.deleteWithSandbox());
      there = find(mount);
    }
    return bindSource(mount, there.orElseThrow(() -> missing(mount)));
  }

  private static void checkName(VolumeMount.Named mount) {
    String name = mount.claimName();
    if (name.length() > MAX_NAME || !NAME.matcher(name).matches()) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_PVC_NAME,
          "volume \""
              + mount.name()
              + "\": pvc.claimName \""
              + name
              + "\" must be 1 to 253 lower case letters, digits and inner dashes");
    }
  }

  private Optional<Volume> find(VolumeMount.Named mount) {
    try {
      JsonNode volume = engine.get("/volumes/" + Engine.encode(mount.claimName()));
      return Optional.of(
          new Volume(volume.path("Driver").asText(), volume.path("Mountpoint").asText()));
    } catch (EngineException e) {
      if (e.isNotFound()) {
        return Optional.empty();
      }
      throw inspectFailed(mount, e);
    }
  }

  private void make(VolumeMount.Named mount, String sandboxId) {
    ObjectNode labels = JSON.createObjectNode().put(Labels.VOLUMES, "server");
    if (mount.deleteWithSandbox()) {
      labels.put(OWNER, sandboxId);
    }
    ObjectNode request = JSON.createObjectNode().put("Name", mount.claimName());
    request.set("Labels", labels);
    try {
      engine.post("/volumes/create", request);
    } catch (EngineException e) {
      throw inspectFailed(mount, e);
    }
  }

  private static String bindSource(VolumeMount.Named mount, Volume volume) {
    Optional<String> subPath = mount.subPath().filter(path -> !path.isEmpty());
    if (subPath.isEmpty()) {
      return mount.claimName();
    }
    if (!volume.driver().equals("local") || volume.mountpoint().isEmpty()) {
      throw new SandboxException(
          ErrorCode.VOLUME_PVC_SUBPATH_UNSUPPORTED_DRIVER,
          "volume \""
              + mount.name()
              + "\": subPath needs a volume of the driver \"local\", \""
              + mount.claimName()
              + "\" has \""
              + volume.driver()
              + "\"");
    }
    Path root = Path.of(volume.mountpoint());
    Path wanted = root.resolve(subPath.get()).normalize();
    boolean inside = wanted.startsWith(root) && !wanted.equals(root);
    if (!inside || !HostPaths.followLinks(wanted).startsWith(HostPaths.followLinks(root))) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_SUB_PATH,
          "volume \"" + mount.name() + "\": subPath \"" + subPath.get() + "\" leaves the volume");
    }
    return wanted.toString();
  }

  /// Removes every volume that the sandbox's create made to go with it. One that another container
  /// still uses stays; [#removeLeft] gets it, or a later [#removeOrphans].
  public void removeOwned(String sandboxId) {
    list(OWNER + "=" + sandboxId).forEach(volume -> removeOrLeave(volume.path("Name").asText()));
  }

  private void removeOrLeave(String name) {
    if (!remove(name) && left.size() < MAX_LEFT) {
      left.add(name);
    }
  }

  /// Removes volumes of a label of the contract: JSON text with names.
  public void removeNamed(List<String> names) {
    for (String name : names) {
      try {
        JsonNode volume = engine.get("/volumes/" + Engine.encode(name));
        if (volume.path("Labels").path(Labels.VOLUMES).asText().equals("server")) {
          removeOrLeave(name);
        }
      } catch (EngineException e) {
        if (!e.isNotFound()) {
          log.warn("cannot look at volume {}: {}", name, e.text());
        }
      }
    }
  }

  /// Removes those volumes that another sandbox, which is gone, could not take along because they
  /// were still in use.
  ///
  /// @param names of volumes that may have come out of use
  /// @param isGone says of a sandbox's id whether there is no such sandbox
  public void removeLeft(List<String> names, Predicate<String> isGone) {
    for (String name : names) {
      if (!left.remove(name)) {
        continue;
      }
      try {
        JsonNode volume = engine.get("/volumes/" + Engine.encode(name));
        if (isGone.test(volume.path("Labels").path(OWNER).asText(""))) {
          removeOrLeave(name);
        }
      } catch (EngineException e) {
        if (!e.isNotFound()) {
          log.warn("cannot look at volume {}: {}", name, e.text());
        }
      }
    }
  }

  /// Removes owned volumes whose sandbox is not among `live`. Young ones stay: their sandbox may be
  /// about to be made.
  ///
  /// @return how many
  public int removeOrphans(Set<String> live) {
    int removed = 0;
    for (JsonNode volume : list(OWNER)) {
      String owner = volume.path("Labels").path(OWNER).asText();
      if (!live.contains(owner) && isOld(volume) && remove(volume.path("Name").asText())) {
        removed++;
      }
    }
    return removed;
  }

  private boolean isOld(JsonNode volume) {
    try {
      Instant made = OffsetDateTime.parse(volume.path("CreatedAt").asText()).toInstant();
      return made.isBefore(clock.instant().minus(YOUNG));
    } catch (DateTimeParseException _) {
      return true; // drivers need not say; then its lack of a sandbox decides alone
    }
  }

  private Iterable<JsonNode> list(String label) {
    return engine
        .get("/volumes?filters=" + Engine.filters(Map.of("label", List.of(label))))
        .path("Volumes");
  }

  /// Removes a volume; absent is success, one in use stays.
  ///
  /// @return whether it was removed
  public boolean remove(String name) {
    String path = "/volumes/" + Engine.encode(name);
    try {
      if (isBound(engine.get(path).path("Mountpoint").asText(""))) {
        log.warn("cannot remove volume {} yet: a folder of it is in use", name);
        return false;
      }
      engine.delete(path);
      return true;
    } catch (EngineException e) {
      if (!e.isNotFound()) {
        log.warn("cannot remove volume {} yet: {}", name, e.text());
      }
      return false;
    }
  }

  // The engine does not know that a folder below a volume's root, a `subPath`, is of the volume.
  private boolean isBound(String root) {
    if (root.isEmpty()) {
      return false;
    }
    for (JsonNode container : engine.get("/containers/json?all=true")) {
      for (JsonNode mount : container.path("Mounts")) {
        if (mount.path("Source").asText("").startsWith(root + "/")) {
          return true;
        }
      }
    }
    return false;
  }

  private static SandboxException missing(VolumeMount.Named mount) {
    return new SandboxException(
        ErrorCode.VOLUME_PVC_NOT_FOUND,
        "volume \""
            + mount.name()
            + "\": named volume \""
            + mount.claimName()
            + "\" does not exist and pvc.createIfNotExists is false");
  }

  private static SandboxException inspectFailed(VolumeMount.Named mount, EngineException e) {
    return new SandboxException(
        ErrorCode.VOLUME_PVC_INSPECT_FAILED,
        "volume \"" + mount.name() + "\": named volume \"" + mount.claimName() + "\": " + e.text(),
        e);
  }

  private record Volume(String driver, String mountpoint) {}

  /// Hears of volumes that were made.
  @FunctionalInterface
  interface MadeVolume {
    void made(String name, boolean deleteWithSandbox);
  }
}
