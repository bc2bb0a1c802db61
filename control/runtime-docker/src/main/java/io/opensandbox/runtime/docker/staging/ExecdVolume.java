package io.opensandbox.runtime.docker.staging;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The named volume that holds the unpacked execd of one image.
///
/// A file that is written last marks a volume as complete, and holds the name of the unpacked tree;
/// a volume without it is thrown away. The container that fills it has a fixed name, so that
/// several servers on one engine do not fill it at once.
final class ExecdVolume {
  private static final Logger log = LoggerFactory.getLogger(ExecdVolume.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String TARGET = "/opensandbox-install";
  private static final String COMPLETE = ".opensandbox-complete";
  private static final String TREE_PREFIX = ".execd-";
  private static final String KIND = Labels.PREFIX + "execd-image";
  private static final int ID_CHARACTERS = 12;
  private static final Duration STALE = Duration.ofMinutes(1);
  private static final Duration LOCK_PATIENCE = Duration.ofMinutes(1);
  private static final Duration OTHERS_PATIENCE = Duration.ofSeconds(30);
  private static final Duration STALE_PATIENCE = Duration.ofSeconds(3);
  private static final long NAME_RELEASE_NANOS = Duration.ofMillis(20).toNanos();

  private final Engine engine;
  private final Clock clock;

  ExecdVolume(Engine engine, Clock clock) {
    this.engine = engine;
    this.clock = clock;
  }

  /// The filled volume of an execd image, filling it when it is not there or not complete.
  StagedExecd fill(String imageId) {
    String shortId = shortId(imageId);
    String volume = "opensandbox-execd-" + shortId;
    String name = "sandbox-execd-install-" + shortId;
    long deadline = System.nanoTime() + LOCK_PATIENCE.toNanos();
    while (true) {
      try {
        makeVolume(volume, imageId);
        try (TemporaryContainer installer = installer(name, imageId, volume)) {
          String tree = completeTree(installer.id());
          return new StagedExecd.Mounted(imageId, mountpoint(volume), tree);
        } catch (Incomplete _) {
          return refill(name, imageId, volume);
        }
      } catch (EngineException e) {
        if (!e.isConflict() || System.nanoTime() - deadline > 0) {
          throw startFailed(e);
        }
        awaitOther(name);
      }
    }
  }

  private StagedExecd refill(String name, String imageId, String volume) {
    remove(volume); // whatever an interrupted fill left
    makeVolume(volume, imageId);
    try (TemporaryContainer installer = installer(name, imageId, volume)) {
      ExecdStaging.requireFiles(engine, installer.id());
      install(installer);
      String tree = installedTree(installer.id());
      engine.writeArchive(installer.id(), TARGET, ExecdTar.ofText(COMPLETE, tree));
      return new StagedExecd.Mounted(imageId, mountpoint(volume), tree);
    } catch (RuntimeException e) {
      remove(volume);
      throw e;
    }
  }

  private TemporaryContainer installer(String name, String imageId, String volume) {
    return TemporaryContainer.create(
        engine,
        name,
        imageId,
        List.of("/execd", "install", TARGET),
        List.of(volume + ":" + TARGET));
  }

  private void install(TemporaryContainer installer) {
    int code = installer.run();
    if (code != 0) {
      throw new SandboxException(
          ErrorCode.EXECD_DISTRIBUTION_FAILED,
          "Failed to install execd: exit code " + code + ": " + output(installer.id()));
    }
  }

  private String output(String container) {
    String path = "/containers/" + container + "/logs?stdout=true&stderr=true&tail=5";
    try (InputStream frames = engine.open(path)) {
      String text = new String(frames.readNBytes(4096), StandardCharsets.UTF_8);
      return text.replaceAll("[^\\x20-\\x7e]+", " ").strip();
    } catch (IOException e) {
      return "its output cannot be read: " + e;
    }
  }

  private String installedTree(String container) {
    for (String file : List.of("execd", "bootstrap.sh")) {
      if (engine.stat(container, TARGET + "/" + file).isEmpty()) {
        throw new SandboxException(
            ErrorCode.EXECD_DISTRIBUTION_FAILED, "Failed to install execd: it left no " + file);
      }
    }
    try (InputStream archive = engine.readArchive(container, TARGET)) {
      return ExecdTar.directory(archive, TREE_PREFIX)
          .orElseThrow(() ->
              new SandboxException(
                  ErrorCode.EXECD_DISTRIBUTION_FAILED,
                  "Failed to install execd: it left no unpacked tree"));
    } catch (IOException e) {
      throw ExecdStaging.distributionFailed(e.getMessage(), e);
    }
  }

  private String completeTree(String container) throws Incomplete {
    try (InputStream archive = engine.readArchive(container, TARGET + "/" + COMPLETE)) {
      String tree = ExecdTar.text(archive);
      if (!tree.startsWith(TREE_PREFIX) || tree.contains("/")) {
        throw new Incomplete();
      }
      return tree;
    } catch (EngineException e) {
      if (e.isNotFound()) {
        throw new Incomplete();
      }
      throw e;
    } catch (IOException e) {
      throw ExecdStaging.distributionFailed(e.getMessage(), e);
    }
  }

  private void makeVolume(String volume, String imageId) {
    ObjectNode labels = JSON.createObjectNode().put(Labels.VOLUMES, "server").put(KIND, imageId);
    ObjectNode request = JSON.createObjectNode().put("Name", volume);
    request.set("Labels", labels);
    engine.post("/volumes/create", request);
  }

  private String mountpoint(String volume) {
    String path = engine.get("/volumes/" + volume).path("Mountpoint").asText();
    if (path.isEmpty()) {
      throw new SandboxException(
          ErrorCode.EXECD_DISTRIBUTION_FAILED,
          "Failed to install execd: volume \"" + volume + "\" has no mountpoint");
    }
    return path;
  }

  private void remove(String volume) {
    try {
      engine.delete("/volumes/" + volume);
    } catch (EngineException e) {
      if (!e.isNotFound()) {
        log.warn("cannot remove volume {}: {}", volume, e.text());
      }
    }
  }

  /// Waits until the container that another server fills the volume with is gone, and removes one
  /// that a crash left: whoever is at work has it running or removes it at once.
  private void awaitOther(String name) {
    try {
      JsonNode state = engine.get("/containers/" + name + "/json").path("State");
      Duration patience = state.path("Running").asBoolean() ? OTHERS_PATIENCE : STALE_PATIENCE;
      String path = "/containers/" + name + "/wait?condition=removed";
      engine.stream("POST", path, Map.of(), patience, _ -> {});
    } catch (EngineException e) {
      if (e.isTimeout()) {
        removeStale(name);
      } else if (e.isNotFound()) {
        // The engine forgets a container shortly before it gives its name free.
        LockSupport.parkNanos(NAME_RELEASE_NANOS);
      } else {
        throw e;
      }
    }
  }

  private void removeStale(String name) {
    try {
      engine.delete("/containers/" + name + "?force=true&v=true");
    } catch (EngineException e) {
      if (!e.isNotFound() && !e.isConflict()) {
        throw e;
      }
    }
  }

  /// Removes temporary containers that do not run and are too old to belong to a server at work,
  /// and volumes of execd images that no sandbox was made with.
  ///
  /// @param used image ids whose volumes stay
  int sweep(Set<String> used) {
    return removeStaleContainers() + removeUnused(used);
  }

  private int removeUnused(Set<String> used) {
    // A bind from inside a volume does not count as its use; the engine would remove it.
    List<String> sources = new ArrayList<>();
    for (JsonNode container : engine.get("/containers/json?all=true")) {
      container.path("Mounts").forEach(mount -> sources.add(mount.path("Source").asText()));
    }
    int removed = 0;
    String filters = Engine.filters(Map.of("label", List.of(KIND)));
    for (JsonNode volume : engine.get("/volumes?filters=" + filters).path("Volumes")) {
      String root = volume.path("Mountpoint").asText() + "/";
      boolean mounted = sources.stream().anyMatch(source -> source.startsWith(root));
      if (!mounted && !used.contains(volume.path("Labels").path(KIND).asText())) {
        remove(volume.path("Name").asText());
        removed++;
      }
    }
    return removed;
  }

  private int removeStaleContainers() {
    int removed = 0;
    long newest = clock.instant().minus(STALE).getEpochSecond();
    String filters =
        Engine.filters(
            Map.of(
                "label",
                List.of(TemporaryContainer.LABEL),
                "status",
                List.of("created", "exited")));
    for (JsonNode container : engine.get("/containers/json?all=true&filters=" + filters)) {
      if (container.path("Created").asLong() > newest) {
        continue;
      }
      String id = container.path("Id").asText();
      try {
        engine.delete("/containers/" + id + "?force=true&v=true");
        removed++;
      } catch (EngineException e) {
        if (!e.isNotFound() && !e.isConflict()) {
          log.warn("cannot remove temporary container {}: {}", id, e.text());
        }
      }
    }
    return removed;
  }

  private static String shortId(String imageId) {
    String hex = imageId.substring(imageId.indexOf(':') + 1);
    return hex.substring(0, Math.min(ID_CHARACTERS, hex.length()));
  }

  private static SandboxException startFailed(EngineException e) {
    return new SandboxException(
        ErrorCode.EXECD_START_FAILED, "Failed to start execd container: " + e.text(), e);
  }

  /// The volume is not filled, or not to the end.
  private static final class Incomplete extends Exception {
    private static final long serialVersionUID = 1L;
  }
}
