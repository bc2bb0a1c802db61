package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.docker.ContainerRequest.Published;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import io.opensandbox.runtime.docker.image.ImageStore;
import io.opensandbox.runtime.docker.image.LocalImage;
import io.opensandbox.runtime.docker.staging.ExecdStaging;
import io.opensandbox.runtime.docker.staging.StagedExecd;
import io.opensandbox.runtime.docker.volume.BoundVolumes;
import io.opensandbox.runtime.docker.volume.SandboxVolumes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Makes the container of a sandbox with execd and bootstrap.sh in place, not started. When a step
/// fails, what the earlier ones made is taken back.
final class SandboxCreation {
  private static final Logger log = LoggerFactory.getLogger(SandboxCreation.class);

  private final Engine engine;
  private final DockerRuntimeConfig config;
  private final ImageStore images;
  private final ExecdStaging staging;
  private final SandboxVolumes volumes;
  private final HostPorts ports;
  private final SandboxIndex index;
  private final ContainerRequest request;
  private final ImageShells shells;
  private final RestoredEnvironment environment;

  SandboxCreation(
      Engine engine,
      DockerRuntimeConfig config,
      ImageStore images,
      ExecdStaging staging,
      SandboxVolumes volumes,
      HostPorts ports,
      SandboxIndex index) {
    this.engine = engine;
    this.config = config;
    this.images = images;
    this.staging = staging;
    this.volumes = volumes;
    this.ports = ports;
    this.index = index;
    this.request = new ContainerRequest(config);
    this.shells = new ImageShells(engine);
    this.environment = new RestoredEnvironment(engine);
  }

  /// Refuses what cannot be made here, making nothing.
  void check(SandboxSpec spec) {
    checkPlatform(spec);
    checkNetwork();
    volumes.check(spec.volumes());
  }

  private static void checkPlatform(SandboxSpec spec) {
    String os = spec.platform().map(ImageRequest.Platform::os).orElse("linux");
    if (!os.equals("linux")) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER,
          "platform.os \"" + os + "\" is not supported on this server");
    }
  }

  private void checkNetwork() {
    if (config.customNetwork().isEmpty()) {
      return;
    }
    String network = config.customNetwork().get();
    try {
      engine.get("/networks/" + Engine.encode(network));
    } catch (EngineException e) {
      if (e.isNotFound()) {
        throw new SandboxException(
            ErrorCode.INVALID_PARAMETER,
            "docker.network_mode: network \""
                + network
                + "\" does not exist; make it with \"docker network create "
                + network
                + "\"",
            e);
      }
      throw startFailed("Failed to inspect network " + network + ": " + e.text(), e);
    }
  }

  /// Makes the sandbox; see `SandboxRuntime#create`.
  RuntimeSandbox create(SandboxSpec spec, PreparedImage image) {
    checkPlatform(spec);
    checkNetwork();
    StagedExecd staged = staging.stage();
    BoundVolumes bound = volumes.bind(spec.id(), spec.volumes());
    try {
      RuntimeSandbox made = makeWith(staged, spec, image, bound);
      volumes.handOver(spec.id());
      return made;
    } catch (RuntimeException e) {
      volumes.undo(spec.id(), bound);
      ports.release(spec.id());
      throw e;
    }
  }

  private RuntimeSandbox makeWith(
      StagedExecd staged, SandboxSpec spec, PreparedImage image, BoundVolumes bound) {
    try {
      return make(spec, image, staged, bound);
    } catch (StagingGone gone) {
      staging.forget(staged);
      return makeAgain(spec, image, bound, gone);
    }
  }

  private RuntimeSandbox makeAgain(
      SandboxSpec spec, PreparedImage image, BoundVolumes bound, StagingGone gone) {
    try {
      return make(spec, image, staging.stage(), bound);
    } catch (StagingGone again) {
      again.addSuppressed(gone);
      throw startFailed(String.valueOf(again.getMessage()), again);
    }
  }

  private RuntimeSandbox make(
      SandboxSpec spec, PreparedImage image, StagedExecd staged, BoundVolumes bound)
      throws StagingGone {
    Optional<Published> published = publish(spec.id());
    ObjectNode body =
        request.body(
            spec,
            image.reference(),
            labels(spec, image, staged, bound, published),
            bound.binds(),
            staged,
            published);
    ContainerRequest.Start start = startOf(spec, image, staged, shells.known(image.id()));
    ContainerRequest.setStart(body, start);
    String container;
    try {
      container = post(spec, body);
    } catch (NameTaken _) {
      return existing(spec, bound);
    }
    try {
      Optional<Boolean> shell = Optional.of(shells.find(image.id(), container));
      ContainerRequest.Start needed = startOf(spec, image, staged, shell);
      if (needed != start) {
        discard(container);
        ContainerRequest.setStart(body, needed);
        container = post(spec, body);
      }
      upload(container, staged);
      environment.override(container, image.reference(), spec.env().keySet());
      return index.fetch(spec.id()).sandbox();
    } catch (NameTaken e) {
      throw startFailed("the name of sandbox \"" + spec.id() + "\" was taken meanwhile", e);
    } catch (RuntimeException e) {
      discard(container);
      throw e;
    }
  }

  private Optional<Published> publish(String id) {
    if (config.isHostNetwork()) {
      return Optional.empty();
    }
    return Optional.of(new Published(ports.reserve(id), ports.reserve(id)));
  }

  private Map<String, String> labels(
      SandboxSpec spec,
      PreparedImage image,
      StagedExecd staged,
      BoundVolumes bound,
      Optional<Published> published) {
    Map<String, String> wanted = new HashMap<>(spec.labels());
    wanted.put(Labels.ID, spec.id());
    published.ifPresent(both -> wanted.putAll(both.labels()));
    if (!bound.owned().isEmpty()) {
      wanted.put(Labels.VOLUMES, SandboxLabels.json(bound.owned()));
    }
    if (!bound.buckets().isEmpty()) {
      List<String> folders = bound.buckets().stream().distinct().map(Path::toString).toList();
      wanted.put(Labels.OSSFS_MOUNTS, SandboxLabels.json(folders));
    }
    if (CpuBoost.isFor(spec, staged)) {
      wanted.put(CpuBoost.LABEL, String.valueOf(spec.limits().nanoCpus().orElseThrow()));
    }
    Map<String, String> imageLabels =
        images.find(image.reference()).map(LocalImage::labels).orElse(Map.of());
    return SandboxLabels.forContainer(wanted, imageLabels);
  }

  private static ContainerRequest.Start startOf(
      SandboxSpec spec, PreparedImage image, StagedExecd staged, Optional<Boolean> hasShell) {
    if (hasShell.orElse(true)) {
      return ContainerRequest.Start.SCRIPT;
    }
    return switch (staged) {
      case StagedExecd.Mounted _ -> ContainerRequest.Start.EXECD;
      case StagedExecd.Copied _ ->
          throw startFailed(
              "cannot create sandbox \""
                  + spec.id()
                  + "\": image \""
                  + image.reference()
                  + "\" has no /bin/sh, which bootstrap.sh of the configured execd image needs",
              null);
    };
  }

  private String post(SandboxSpec spec, ObjectNode body) throws NameTaken, StagingGone {
    String name = SandboxIndex.containerName(spec.id());
    StringBuilder path = new StringBuilder("/containers/create?name=").append(Engine.encode(name));
    spec.platform()
        .ifPresent(platform ->
            path.append("&platform=").append(Engine.encode(platform.os() + "/" + platform.arch())));
    try {
      String id = engine.post(path.toString(), body).path("Id").asText("");
      if (id.isEmpty()) {
        throw startFailed("Docker did not return a container ID.", null);
      }
      return id;
    } catch (EngineException e) {
      if (e.isConflict() && e.text().contains(name)) {
        throw new NameTaken(e);
      }
      if (e.text().contains("bind source path does not exist")) {
        throw new StagingGone(e);
      }
      if (e.isNotFound()) {
        images.forget();
      }
      throw startFailed("Failed to create sandbox container: " + e.text(), e);
    }
  }

  /// An earlier call for the same id got at least this far; what it may have missed is done again.
  private RuntimeSandbox existing(SandboxSpec spec, BoundVolumes bound) {
    volumes.undo(spec.id(), bound);
    ports.release(spec.id());
    SeenSandbox there =
        index
            .find(spec.id())
            .orElseThrow(() ->
                startFailed(
                    "the name of sandbox \"" + spec.id() + "\" is taken by another container",
                    null));
    if (there.sandbox().state() == RuntimeSandbox.State.CREATED) {
      if (!there.execdMounted()) {
        upload(there.containerId(), staging.stage());
      }
      environment.override(
          there.containerId(), there.sandbox().imageReference(), spec.env().keySet());
    }
    return there.sandbox();
  }

  private void upload(String container, StagedExecd staged) {
    if (!(staged instanceof StagedExecd.Copied copied)) {
      return;
    }
    try (InputStream tar = Files.newInputStream(copied.tar())) {
      engine.writeArchive(container, "/", tar);
    } catch (EngineException e) {
      throw new SandboxException(
          ErrorCode.EXECD_DISTRIBUTION_FAILED,
          "Failed to install execd in the sandbox: " + e.text(),
          e);
    } catch (IOException e) {
      staging.forget(staged);
      throw new SandboxException(
          ErrorCode.EXECD_DISTRIBUTION_FAILED,
          "Failed to install execd in the sandbox: the prepared copy cannot be read",
          e);
    }
  }

  /// What of a container that was not started has to be in the one that is made in its place.
  Optional<RestoredEnvironment.File> changesOf(SeenSandbox sandbox) {
    return sandbox.sandbox().imageReference().startsWith(ImageStore.SNAPSHOTS + ":")
        ? environment.read(sandbox.containerId())
        : Optional.empty();
  }

  /// Uploads what a container made in place of another one needs.
  ///
  /// @param changes of the other one
  void stageAgain(SeenSandbox made, Optional<RestoredEnvironment.File> changes) {
    if (!made.execdMounted()) {
      upload(made.containerId(), staging.stage());
    }
    changes.ifPresent(file -> environment.write(made.containerId(), file));
  }

  private void discard(String container) {
    try {
      engine.delete("/containers/" + container + "?force=true&v=true");
    } catch (EngineException e) {
      if (!e.isNotFound()) {
        log.warn("cannot remove container {} of a failed create: {}", container, e.text());
      }
    }
  }

  private static SandboxException startFailed(String message, @Nullable Throwable cause) {
    return cause == null
        ? new SandboxException(ErrorCode.START_FAILED, message)
        : new SandboxException(ErrorCode.START_FAILED, message, cause);
  }

  /// A container of that name exists.
  private static final class NameTaken extends Exception {
    private static final long serialVersionUID = 1L;

    NameTaken(EngineException cause) {
      super(cause);
    }
  }

  /// Somebody removed the volume with execd.
  private static final class StagingGone extends Exception {
    private static final long serialVersionUID = 1L;

    StagingGone(EngineException cause) {
      super(cause.text(), cause);
    }
  }
}
