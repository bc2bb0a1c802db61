package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.EnvFiles;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import io.opensandbox.runtime.docker.image.ImageStore;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/// Lets the environment of a sandbox that is made from a snapshot win over the one that its source
/// was claimed from a pool with.
final class RestoredEnvironment {
  private final Engine engine;

  RestoredEnvironment(Engine engine) {
    this.engine = engine;
  }

  /// Execd's env file in a container.
  static final class File {
    private final String folder;
    private final TarArchiveEntry entry;
    private final byte[] content;

    private File(String folder, TarArchiveEntry entry, byte[] content) {
      this.folder = folder;
      this.entry = entry;
      this.content = content;
    }
  }

  /// Takes what a claim said about variables out of a container that was not started.
  ///
  /// @param image that the container is made from
  /// @param names of the variables that the sandbox has itself
  void override(String containerId, String image, Set<String> names) {
    if (names.isEmpty() || !image.startsWith(ImageStore.SNAPSHOTS + ":")) {
      return;
    }
    Optional<File> found = read(containerId);
    if (found.isEmpty()) {
      return;
    }
    File file = found.get();
    byte[] content = EnvFiles.without(file.content, names);
    if (content.length != file.content.length) {
      write(containerId, new File(file.folder, file.entry, content));
    }
  }

  /// The file, unless it is not the container's own or execd would not read it.
  Optional<File> read(String containerId) {
    try {
      JsonNode container = engine.get("/containers/" + containerId + "/json");
      Optional<String> path = EnvFiles.path(environment(container));
      return path.isEmpty() || isMounted(container, path.get())
          ? Optional.empty()
          : read(containerId, Path.of(path.get()));
    } catch (EngineException e) {
      throw failed(e);
    }
  }

  private static Map<String, String> environment(JsonNode container) {
    Map<String, String> env = new HashMap<>();
    for (JsonNode variable : container.path("Config").path("Env")) {
      String[] parts = variable.asText().split("=", 2);
      env.put(parts[0], parts.length == 2 ? parts[1] : "");
    }
    return env;
  }

  // A volume belongs to others, too.
  private static boolean isMounted(JsonNode container, String path) {
    for (JsonNode mount : container.path("Mounts")) {
      if (Path.of(path).startsWith(mount.path("Destination").asText("/"))) {
        return true;
      }
    }
    return false;
  }

  private Optional<File> read(String containerId, Path path) {
    try (var tar = new TarArchiveInputStream(engine.readArchive(containerId, path.toString()))) {
      TarArchiveEntry entry = tar.getNextEntry();
      if (entry == null || !entry.isFile() || entry.getSize() > EnvFiles.MAX_BYTES) {
        return Optional.empty();
      }
      String folder = String.valueOf(path.getParent());
      return Optional.of(new File(folder, entry, tar.readNBytes((int) entry.getSize())));
    } catch (EngineException e) {
      if (e.isNotFound()) {
        return Optional.empty();
      }
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + path + " of container " + containerId, e);
    }
  }

  /// Puts the file into a container, in place of the one there.
  void write(String containerId, File file) {
    var out = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(out)) {
      tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
      var entry = new TarArchiveEntry(file.entry.getName());
      entry.setSize(file.content.length);
      entry.setMode(file.entry.getMode());
      entry.setUserId(file.entry.getLongUserId());
      entry.setGroupId(file.entry.getLongGroupId());
      tar.putArchiveEntry(entry);
      tar.write(file.content);
      tar.closeArchiveEntry();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    try {
      engine.writeArchive(containerId, file.folder, new ByteArrayInputStream(out.toByteArray()));
    } catch (EngineException e) {
      throw failed(e);
    }
  }

  private static SandboxException failed(EngineException e) {
    return new SandboxException(
        ErrorCode.START_FAILED,
        "Failed to give the sandbox the environment of its request: " + e.text(),
        e);
  }
}
