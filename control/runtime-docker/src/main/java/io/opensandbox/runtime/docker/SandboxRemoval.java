package io.opensandbox.runtime.docker;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.RuntimeSandbox.State;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import io.opensandbox.runtime.docker.volume.NamedVolumes;
import io.opensandbox.runtime.docker.volume.SandboxVolumes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes a sandbox away with everything that was made for it. Every step finds absent things
/// removed already, and what belongs to a sandbox is found without its container, so that repeating
/// the removal finishes one that was cut short.
final class SandboxRemoval {
  private static final Logger log = LoggerFactory.getLogger(SandboxRemoval.class);
  private static final Duration OTHERS_PATIENCE = Duration.ofSeconds(30);

  private final Engine engine;
  private final SandboxIndex index;
  private final NamedVolumes volumes;
  private final SandboxVolumes mounts;
  private final HostPorts ports;

  SandboxRemoval(
      Engine engine,
      SandboxIndex index,
      NamedVolumes volumes,
      SandboxVolumes mounts,
      HostPorts ports) {
    this.engine = engine;
    this.index = index;
    this.volumes = volumes;
    this.mounts = mounts;
    this.ports = ports;
  }

  void remove(String id, Duration grace) {
    Optional<SeenSandbox> sandbox = index.find(id);
    try {
      if (sandbox.isPresent() && sandbox.get().sandbox().state() == State.RUNNING) {
        stop(id, grace);
      }
      removeContainer(SandboxIndex.path(id));
      removeContainer("/containers/" + Engine.encode("sandbox-egress-" + id));
      volumes.removeOwned(id);
      sandbox.ifPresent(one -> volumes.removeNamed(namedIn(one)));
      sandbox.ifPresent(one -> volumes.removeLeft(one.volumes(), this::isGone));
    } catch (EngineException e) {
      throw new SandboxException(
          ErrorCode.DELETE_FAILED, "Failed to delete sandbox container: " + e.text(), e);
    }
    ports.release(id);
    index.forget(id);
    // Of a container that somebody else removed nobody knows what it had.
    if (sandbox.map(SandboxRemoval::hasBuckets).orElse(true)) {
      mounts.unmountUnused();
    }
  }

  private static boolean hasBuckets(SeenSandbox sandbox) {
    return sandbox.sandbox().labels().containsKey(Labels.OSSFS_MOUNTS);
  }

  private boolean isGone(String id) {
    return index.find(id).isEmpty();
  }

  private static List<String> namedIn(SeenSandbox sandbox) {
    return SandboxLabels.names(sandbox.sandbox().labels().getOrDefault(Labels.VOLUMES, "[]"));
  }

  private void stop(String id, Duration grace) {
    if (grace.isZero()) {
      return; // the forced removal kills at once
    }
    long seconds = Math.max(1, grace.toSeconds());
    try {
      engine.post(SandboxIndex.path(id) + "/stop?t=" + seconds);
    } catch (EngineException e) {
      log.debug("sandbox {} does not stop gracefully: {}", id, e.text());
    }
  }

  private void removeContainer(String path) {
    try {
      engine.delete(path + "?force=true&v=true");
    } catch (EngineException e) {
      if (e.isConflict()) {
        awaitRemoved(path); // somebody else is removing it
      } else if (!e.isNotFound()) {
        throw e;
      }
    }
  }

  private void awaitRemoved(String path) {
    try {
      engine.stream("POST", path + "/wait?condition=removed", Map.of(), OTHERS_PATIENCE, _ -> {});
    } catch (EngineException e) {
      if (!e.isNotFound()) {
        throw e;
      }
    }
  }
}
