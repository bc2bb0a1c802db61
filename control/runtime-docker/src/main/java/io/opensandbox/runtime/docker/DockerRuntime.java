package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.Capabilities.Feature;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.RuntimeSandbox.State;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.SandboxStats;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineAddress;
import io.opensandbox.runtime.docker.engine.EngineException;
import io.opensandbox.runtime.docker.engine.EngineWatch;
import io.opensandbox.runtime.docker.image.ImageStore;
import io.opensandbox.runtime.docker.image.Platforms;
import io.opensandbox.runtime.docker.staging.ExecdStaging;
import io.opensandbox.runtime.docker.volume.NamedVolumes;
import io.opensandbox.runtime.docker.volume.SandboxVolumes;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sandboxes as containers of one Docker engine; the only class of this module that its users see
/// beside the configuration.
public final class DockerRuntime implements SandboxRuntime {
  private static final Logger log = LoggerFactory.getLogger(DockerRuntime.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);
  private static final Duration READINESS_LIMIT = Duration.ofMillis(500);

  private final Engine engine;
  private final ImageStore images;
  private final ExecdStaging staging;
  private final NamedVolumes volumes;
  private final SandboxVolumes mounts;
  private final SandboxIndex index;
  private final SandboxCreation creation;
  private final CpuBoost boost;
  private final SandboxStart start;
  private final SandboxRemoval removal;
  private final SnapshotImages snapshots;
  private final PortAddresses addresses;
  private final SandboxOutput output;
  private final EventStream events;
  private final Thread prefetch;

  private DockerRuntime(Engine engine, DockerRuntimeConfig config, Clock clock) {
    boolean host = config.isHostNetwork();
    this.engine = engine;
    this.images = new ImageStore(engine, config.apiTimeout());
    this.staging = new ExecdStaging(engine, images, config.execdImage(), clock);
    this.volumes = new NamedVolumes(engine, clock);
    this.index = new SandboxIndex(engine, config.customNetwork());
    boolean local = config.engine() instanceof EngineAddress.Unix;
    HostPorts ports = new HostPorts(RandomGenerator.getDefault(), local);
    this.mounts =
        new SandboxVolumes(
            volumes, config.allowedHostPaths(), config.buckets(), this::bucketsInUse);
    this.creation = new SandboxCreation(engine, config, images, staging, mounts, ports, index);
    this.boost = new CpuBoost(engine);
    ExecdReadiness readiness = new ExecdReadiness(index, host, READINESS_LIMIT);
    int processors = Runtime.getRuntime().availableProcessors();
    this.start = new SandboxStart(engine, index, creation, ports, readiness, boost, processors);
    this.removal = new SandboxRemoval(engine, index, volumes, mounts, ports);
    this.snapshots = new SnapshotImages(engine, index, images);
    this.addresses = new PortAddresses(index, config.hosts(), host);
    this.output = new SandboxOutput(engine, clock);
    this.events = new EventStream(engine, index, images);
    this.prefetch = Thread.ofVirtual().name("docker-prefetch").unstarted(this::prefetch);
  }

  /// Connects to the engine, starts to follow its events and prepares execd in the background, so
  /// that the first create need not.
  ///
  /// Throws `RUNTIME_UNAVAILABLE` when no engine answers or it lacks the configured secure runtime,
  /// [IllegalArgumentException] naming the key for a seccomp profile that cannot be read.
  public static DockerRuntime open(DockerRuntimeConfig config, Clock clock) {
    return open(config, clock, EngineWatch.NONE);
  }

  /// The same.
  ///
  /// @param watch is told of every call of the engine
  public static DockerRuntime open(DockerRuntimeConfig config, Clock clock, EngineWatch watch) {
    Engine engine = connect(config, watch);
    try {
      checkSecureRuntime(engine, config.security().ociRuntime());
      DockerRuntime runtime = new DockerRuntime(engine, config, clock);
      runtime.events.start();
      runtime.prefetch.start();
      return runtime;
    } catch (RuntimeException e) {
      engine.close();
      throw e;
    }
  }

  private static Engine connect(DockerRuntimeConfig config, EngineWatch watch) {
    try {
      return Engine.open(config.engine(), config.apiTimeout(), watch);
    } catch (EngineException e) {
      throw new SandboxException(
          ErrorCode.RUNTIME_UNAVAILABLE,
          "no Docker engine answers at "
              + config.engine()
              + ": "
              + e.text()
              + "; start one (Docker, Colima, Rancher Desktop, Podman) or set DOCKER_HOST",
          e);
    }
  }

  private static void checkSecureRuntime(Engine engine, String wanted) {
    if (wanted.isBlank()) {
      return;
    }
    Set<String> available = new HashSet<>();
    engine.get("/info").path("Runtimes").fieldNames().forEachRemaining(available::add);
    if (!available.contains(wanted)) {
      throw new SandboxException(
          ErrorCode.RUNTIME_UNAVAILABLE,
          "secure_runtime: the engine has no runtime \"" + wanted + "\", only " + available);
    }
  }

  private void prefetch() {
    try {
      staging.stage();
    } catch (SandboxException e) {
      log.warn("execd is not prepared yet, the first create tries again: {}", e.getMessage());
    } catch (EngineException e) {
      log.debug("the runtime was closed while it prepared execd: {}", e.text());
    }
  }

  @Override
  public String name() {
    return "docker";
  }

  @Override
  public Capabilities capabilities() {
    Set<Feature> features =
        EnumSet.of(
            Feature.PAUSE,
            Feature.FREEZER,
            Feature.SNAPSHOT,
            Feature.HOST_VOLUMES,
            Feature.NAMED_VOLUMES,
            Feature.GPU,
            Feature.RESOURCE_LIMITS,
            Feature.IMAGE_USERS);
    if (mounts.mountsBuckets()) {
      features.add(Feature.OSSFS_VOLUMES);
    }
    return new Capabilities(features, engine.os(), Platforms.arch(engine.arch()));
  }

  @Override
  public PreparedImage prepareImage(ImageRequest request, ProgressListener progress) {
    return images.prepare(request, progress);
  }

  @Override
  public boolean isImagePresent(ImageRequest request) {
    return images.isPresent(request);
  }

  @Override
  public void check(SandboxSpec spec) {
    creation.check(spec);
  }

  @Override
  public RuntimeSandbox create(SandboxSpec spec, PreparedImage image) {
    return creation.create(spec, image);
  }

  @Override
  public RuntimeSandbox start(String id) {
    return start.start(id);
  }

  @Override
  public Optional<RuntimeSandbox> find(String id) {
    return index.find(id).map(SeenSandbox::sandbox);
  }

  @Override
  public List<RuntimeSandbox> list() {
    return index.list();
  }

  @Override
  public void pause(String id) {
    if (index.fetch(id).sandbox().state() != State.RUNNING) {
      throw notRunning(id);
    }
    try {
      new Freezer(engine).post(SandboxIndex.path(id) + "/pause");
    } catch (EngineException e) {
      if (index.fetch(id).sandbox().state() != State.RUNNING) {
        throw notRunning(id);
      }
      throw new SandboxException(
          ErrorCode.PAUSE_FAILED, "Failed to pause sandbox container: " + e.text(), e);
    }
    index.changed(id);
  }

  private static SandboxException notRunning(String id) {
    return new SandboxException(
        ErrorCode.SANDBOX_NOT_RUNNING, "cannot pause sandbox \"" + id + "\": it is not running");
  }

  @Override
  public void resume(String id) {
    if (index.fetch(id).sandbox().state() != State.PAUSED) {
      throw notPaused(id);
    }
    try {
      engine.post(SandboxIndex.path(id) + "/unpause");
    } catch (EngineException e) {
      if (index.fetch(id).sandbox().state() != State.PAUSED) {
        throw notPaused(id);
      }
      throw new SandboxException(
          ErrorCode.RESUME_FAILED, "Failed to resume sandbox container: " + e.text(), e);
    }
    index.changed(id);
  }

  private static SandboxException notPaused(String id) {
    return new SandboxException(
        ErrorCode.SANDBOX_NOT_PAUSED, "cannot resume sandbox \"" + id + "\": it is not paused");
  }

  @Override
  public void remove(String id, Duration grace) {
    removal.remove(id, grace);
  }

  @Override
  public String snapshot(String id, String snapshotId) {
    return snapshots.take(id, snapshotId);
  }

  @Override
  public boolean isSnapshotPresent(String imageReference) {
    return snapshots.isPresent(imageReference);
  }

  @Override
  public void removeSnapshot(String imageReference) {
    snapshots.remove(imageReference);
  }

  @Override
  public PortAddress publicAddress(String id, int port) {
    return addresses.forClients(id, port);
  }

  @Override
  public PortAddress internalAddress(String id, int port) {
    return addresses.forServer(id, port);
  }

  @Override
  public String logs(String id, int tail, Optional<Duration> since, boolean timestamps) {
    return output.read(id, tail, since, timestamps);
  }

  @Override
  public SandboxStats stats(String id) {
    State state = index.fetch(id).sandbox().state();
    if (state != State.RUNNING && state != State.PAUSED) {
      throw new SandboxException(
          ErrorCode.SANDBOX_NOT_RUNNING, "sandbox \"" + id + "\" is not running");
    }
    try {
      JsonNode now = engine.get(SandboxIndex.path(id) + "/stats?stream=false&one-shot=true");
      return ContainerStats.read(now);
    } catch (EngineException e) {
      throw unlessGone(id, ErrorCode.SANDBOX_QUERY_FAILED, "Failed to read resources: ", e);
    }
  }

  @Override
  public String describe(String id) {
    return new SandboxReport(index.inspect(id).orElseThrow(() -> SandboxIndex.notFound(id)))
        .write();
  }

  @Override
  public void updateLimits(String id, ResourceLimits limits) {
    ObjectNode body = JSON.createObjectNode();
    limits.nanoCpus().ifPresent(nanos -> body.put("NanoCpus", nanos));
    // The engine refuses memory above the swap limit that came with the smaller one.
    limits.memoryBytes().ifPresent(bytes -> body.put("Memory", bytes).put("MemorySwap", 2 * bytes));
    limits.pids().ifPresent(count -> body.put("PidsLimit", count));
    try {
      engine.post(SandboxIndex.path(id) + "/update", body);
    } catch (EngineException e) {
      throw unlessGone(id, ErrorCode.START_FAILED, "Failed to change limits: ", e);
    }
  }

  private static SandboxException unlessGone(
      String id, ErrorCode code, String what, EngineException e) {
    return e.isNotFound()
        ? SandboxIndex.notFound(id)
        : new SandboxException(code, what + e.text(), e);
  }

  @Override
  public Subscription subscribe(EventListener listener) {
    events.add(listener);
    return () -> events.remove(listener);
  }

  @Override
  public int sweep() {
    try {
      Set<String> live = new HashSet<>();
      index.list().forEach(sandbox -> live.add(sandbox.id()));
      boost.endAll();
      return staging.sweep()
          + removeSidecars(live)
          + volumes.removeOrphans(live)
          + mounts.unmountUnused();
    } catch (EngineException e) {
      throw new SandboxException(ErrorCode.SANDBOX_QUERY_FAILED, "Failed to sweep: " + e.text(), e);
    }
  }

  private Set<String> bucketsInUse() {
    Set<String> folders = new HashSet<>();
    for (RuntimeSandbox sandbox : index.list()) {
      folders.addAll(SandboxLabels.names(sandbox.labels().getOrDefault(Labels.OSSFS_MOUNTS, "[]")));
    }
    return folders;
  }

  private int removeSidecars(Set<String> live) {
    int removed = 0;
    String filters = Engine.filters(Map.of("label", List.of(Labels.EGRESS_SIDECAR_FOR)));
    for (JsonNode sidecar : engine.get("/containers/json?all=true&filters=" + filters)) {
      String owner = sidecar.path("Labels").path(Labels.EGRESS_SIDECAR_FOR).asText("");
      if (!owner.isBlank() && !live.contains(owner)) {
        engine.delete("/containers/" + sidecar.path("Id").asText() + "?force=true&v=true");
        removed++;
      }
    }
    return removed;
  }

  @Override
  public Optional<String> unhealthyReason() {
    try {
      engine.ping();
      return Optional.empty();
    } catch (EngineException e) {
      return Optional.of("the Docker engine does not answer: " + e.text());
    }
  }

  /// Ends the events and the connections, after the preparation of execd has cleaned up behind
  /// itself, for which it gets some seconds.
  @Override
  public void close() {
    events.close();
    try {
      prefetch.join(CLOSE_LIMIT);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    engine.close();
    staging.close();
  }
}
