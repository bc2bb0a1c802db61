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
import java.util.List;
import java.util.Map;
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
  private static final int MAX_TRIES = 3;
  private static final int ID_CHARACTERS = 12;
  private static final Duration STALE = Duration.ofMinutes(1);
  private static final Duration OTHERS_PATIENCE = Duration.ofSeconds(30);

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
    for (int i = 0; ; i++) {
      try {
        makeVolume(volume, imageId);
        try (TemporaryContainer installer = installer(name, imageId, volume)) {
          String tree = completeTree(installer.id());
          return new StagedExecd.Mounted(imageId, mountpoint(volume), tree);
        } catch (Incomplete _) {
          return refill(name, imageId, volume);
        }
      } catch (EngineException e) {
        if (!e.isConflict() || i == MAX_TRIES) {
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
      if (state.path("Running").asBoolean()) {
        engine.stream(
            "POST",
            "/containers/" + name + "/wait?condition=removed",
            Map.of(),
            OTHERS_PATIENCE,
            _ -> {});
        return;
      }
      engine.stream(
          "POST",
          "/containers/" + name + "/wait?condition=removed",
          Map.of(),
          Duration.ofSeconds(3),
          _ -> {});
    } catch (EngineException e) {
      if (e.isTimeout()) {
        removeStale(name);
      } else if (!e.isNotFound()) {
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

  /// Removes temporary containers that do not run and are too old to belong to a server at work.
  int sweep() {
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
