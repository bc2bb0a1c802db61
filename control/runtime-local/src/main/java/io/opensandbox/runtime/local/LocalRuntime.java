package io.opensandbox.runtime.local;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.ForkPoint;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.RuntimeSandbox.State;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.SandboxStats;
import io.opensandbox.runtime.local.cgroup.CgroupTree;
import io.opensandbox.runtime.local.disk.Disk;
import io.opensandbox.runtime.local.engine.Engine;
import io.opensandbox.runtime.local.engine.ExitWatch;
import io.opensandbox.runtime.local.engine.Notes;
import io.opensandbox.runtime.local.image.ExecdLayer;
import io.opensandbox.runtime.local.image.Holds;
import io.opensandbox.runtime.local.image.Image;
import io.opensandbox.runtime.local.image.Images;
import io.opensandbox.runtime.local.image.Layers;
import io.opensandbox.runtime.local.log.SandboxLog;
import io.opensandbox.runtime.local.network.Cables;
import io.opensandbox.runtime.local.network.Firewall;
import io.opensandbox.runtime.local.network.Networks;
import io.opensandbox.runtime.local.network.PortForwards;
import io.opensandbox.runtime.local.network.PortForwards.Forward;
import io.opensandbox.runtime.local.network.Slot;
import io.opensandbox.runtime.local.network.Subnets;
import io.opensandbox.runtime.local.network.Tunnels;
import io.opensandbox.runtime.local.network.Wiring;
import io.opensandbox.runtime.local.process.Runner;
import io.opensandbox.runtime.local.record.SandboxRecord;
import io.opensandbox.runtime.local.volume.Volumes;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sandboxes out of Linux namespaces on this machine, without a daemon.
///
/// One instance per data directory. Opening adopts the sandboxes that an earlier server left
/// running and clears away what it left half done; closing leaves them running.
public final class LocalRuntime implements SandboxRuntime {
  private static final Logger LOG = LoggerFactory.getLogger(LocalRuntime.class);
  private static final int HTTP_PORT = 8080;

  /// More creates than this at once are a burst.
  private static final int CROWD = 8;

  private final LocalConfig config;
  private final Clock clock;
  private final Capabilities capabilities;
  private final DirectoryLock lock;
  private final Disk disk;
  private final Store store;
  private final boolean rootless;
  private final CgroupTree cgroups;
  private final Groups groups;
  private final Images images;
  private final Volumes volumes;
  private final Networks networks;
  private final Optional<Firewall> firewall;
  private final PortForwards ports;
  private final Notes notes;
  private final Engine engine;
  private final ExitWatch watch;
  private final Creation creation;
  private final Snapshots snapshots;
  private final Processes processes;
  private final Forks forks;
  private final Housekeeping housekeeping;
  private final Listeners listeners = new Listeners();
  private final Boxes boxes = new Boxes();
  private final AtomicInteger creating = new AtomicInteger();

  /// Opens the runtime.
  ///
  /// Throws `RUNTIME_UNAVAILABLE` that says what this machine lacks.
  ///
  /// @param runner starts the host's programs
  public LocalRuntime(LocalConfig config, Clock clock, Runner runner) {
    this.config = config;
    this.clock = clock;
    Host host = new Host(runner);
    this.lock = lock(config);
    String prefix = "osl" + Images.hash(config.dataDirectory().toString()).substring(0, 6);
    this.rootless = host.isRootless();
    this.cgroups =
        rootless
            ? CgroupTree.delegated(prefix, host.mounts(), host.groups())
            : CgroupTree.detect(prefix, host.mounts());
    requireHost(host);
    boolean hasUsers = !rootless || host.hasUsers();
    if (!hasUsers) {
      LOG.warn(
          "one user only: images with files or processes of other users do not work; newuidmap and a"
              + " line in /etc/subuid and /etc/subgid give more");
    }
    this.disk = openDisk(config, rootless, runner);
    tryOverlay();
    this.store = new Store(disk.root());
    this.capabilities =
        new Capabilities(features(disk, cgroups, hasUsers), "linux", host.architecture());
    long hostMemory = host.memoryBytes();
    cgroups.prepare(config.limits().totalMemoryBytes().orElse(hostMemory / 10 * 9));
    Layers layers = new Layers(store.path("layers"), runner);
    this.images =
        new Images(
            store.path("images"),
            store.path("downloads"),
            capabilities.platformArch(),
            new Images.Sources(
                config.imageSources().directories(),
                config.imageSources().insecureRegistries(),
                config.imageSources().layouts(),
                config.limits().imageBytes()),
            store.records(),
            layers,
            runner);
    this.volumes =
        new Volumes(
            disk,
            config.limits().sandboxDiskBytes(),
            store.path("volumes"),
            store.path("trash"),
            config.allowedHostPaths());
    this.notes = new Notes(config.dataDirectory(), runner);
    this.engine =
        new Engine(
            store.root(),
            config.launcher(),
            notes,
            capabilities.platformArch(),
            config.capabilities(),
            runner);
    this.watch = new ExitWatch(listeners::changed, engine::pillars);
    this.ports = new PortForwards(config.bindAddress());
    List<SandboxRecord> found = store.load();
    Wiring wiring;
    if (rootless) {
      this.firewall = Optional.empty();
      wiring = tunnels(prefix, runner);
    } else {
      Subnets.Subnet subnet = Subnets.take(host::routes, prefix);
      this.firewall = Optional.of(new Firewall(prefix, subnet.number(), runner));
      firewall.get().raise();
      wiring = new Cables(prefix, subnet, host.mtu(), config.launcher(), runner);
    }
    this.networks =
        new Networks(
            prefix,
            wiring,
            config.limits().preparedNetworks(),
            found.stream().map(record -> record.network().slot()).collect(Collectors.toSet()));
    this.groups = new Groups(cgroups, runner);
    ExecdLayer execd = new ExecdLayer(config.execdDirectory(), layers, runner);
    this.creation =
        new Creation(
            new Creation.Parts(store, disk, layers, execd, volumes, networks, ports, groups),
            config,
            clock,
            host.resolvConf());
    this.snapshots = new Snapshots(store, layers, images, engine, runner);
    this.processes = new Processes(engine, watch, store, hostMemory);
    this.housekeeping =
        new Housekeeping(boxes, store, disk, layers, images, config.limits().imageBytes(), clock);
    this.forks = new Forks(boxes, images, snapshots, creation, housekeeping, engine);
    found.forEach(this::adopt);
    layers.removeUnfinished();
    images.removeUnfinished();
    housekeeping.imageAdded();
    sweep();
    housekeeping.later(watch::prepare);
    housekeeping.later(() -> prepare(execd));
  }

  /// What the first create would otherwise wait for.
  private static void prepare(ExecdLayer execd) {
    try {
      execd.name();
    } catch (SandboxException e) {
      LOG.warn("sandboxes cannot be made: {}", e.getMessage());
    }
  }

  private static DirectoryLock lock(LocalConfig config) {
    try {
      return new DirectoryLock(config.dataDirectory());
    } catch (IllegalStateException e) {
      throw new SandboxException(
          ErrorCode.RUNTIME_UNAVAILABLE, "The local runtime " + e.getMessage(), e);
    }
  }

  private Wiring tunnels(String prefix, Runner runner) {
    Tunnels tunnels = new Tunnels(config.dataDirectory().resolve("networks"), prefix, runner);
    try {
      tunnels.awaitOthers();
      tunnels.tryOut();
    } catch (Runner.RunFailure e) {
      tunnels.close();
      lock.close();
      throw new SandboxException(
          ErrorCode.RUNTIME_UNAVAILABLE,
          "The local runtime cannot make networks as an ordinary user: " + e.getMessage(),
          e);
    }
    return tunnels;
  }

  private static Disk openDisk(LocalConfig config, boolean rootless, Runner runner) {
    if (rootless) {
      return Disk.plain(
          config.dataDirectory(),
          "sandboxes have no disk quotas: an ordinary user cannot mount a file system that has",
          runner);
    }
    long free = config.dataDirectory().toFile().getUsableSpace();
    long size = config.limits().diskBytes().orElse(free / 10 * 9);
    return size == 0
        ? Disk.plain(config.dataDirectory(), "local.disk_max_bytes is 0", runner)
        : Disk.open(config.dataDirectory(), size, runner);
  }

  private void tryOverlay() {
    try {
      disk.tryOverlay();
    } catch (Runner.RunFailure e) {
      disk.close();
      lock.close();
      throw new SandboxException(
          ErrorCode.RUNTIME_UNAVAILABLE,
          "The local runtime cannot mount overlays below "
              + disk.root()
              + ", which ordinary users may since Linux 5.11: "
              + e.getMessage(),
          e);
    }
  }

  private void requireHost(Host host) {
    List<String> missing = new ArrayList<>(host.missing());
    List<String> controllers = rootless ? List.of() : cgroups.missing();
    controllers.forEach(name -> missing.add("there is no cgroup controller " + name));
    if (!missing.isEmpty()) {
      lock.close();
      throw new SandboxException(
          ErrorCode.RUNTIME_UNAVAILABLE,
          "The local runtime cannot work on this machine: "
              + String.join("; ", missing)
              + ". See docs/local-runtime.md");
    }
  }

  private static Set<Capabilities.Feature> features(
      Disk disk, CgroupTree cgroups, boolean hasUsers) {
    Set<Capabilities.Feature> features =
        EnumSet.of(
            Capabilities.Feature.PAUSE,
            Capabilities.Feature.SNAPSHOT,
            Capabilities.Feature.HOST_VOLUMES,
            Capabilities.Feature.NAMED_VOLUMES,
            Capabilities.Feature.FORK);
    if (disk.withoutQuotas().isEmpty()) {
      features.add(Capabilities.Feature.DISK_QUOTA);
    }
    if (cgroups.isPresent()) {
      features.add(Capabilities.Feature.RESOURCE_LIMITS);
      features.add(Capabilities.Feature.FREEZER);
    }
    if (hasUsers) {
      features.add(Capabilities.Feature.IMAGE_USERS);
    }
    return features;
  }

  /// Takes over a sandbox of an earlier server. A port that is taken meanwhile does not stop the
  /// sandbox; it is only not reachable from outside until that port is free at the next start.
  private void adopt(SandboxRecord record) {
    Slot slot = networks.slot(record.network().slot());
    List<Forward> forwards = new ArrayList<>();
    Map<Integer, Integer> wanted =
        Map.of(record.network().execdPort(), 44772, record.network().httpPort(), HTTP_PORT);
    wanted.forEach((hostPort, port) -> {
      try {
        forwards.add(ports.open(hostPort, slot.address(), port));
      } catch (IOException e) {
        LOG.warn(
            "sandbox {}: host port {} cannot be opened again: {}",
            record.id(),
            hostPort,
            e.getMessage());
      }
    });
    boxes.add(new Box(record, slot, groups.of(record.id(), slot), forwards));
    if (record.started()) {
      watch.watch(record.id(), notes.make(record.id()));
      watch.follow(record.id());
    }
  }

  @Override
  public String name() {
    return "local";
  }

  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  @Override
  public PreparedImage prepareImage(ImageRequest request, ProgressListener progress) {
    boolean present = images.find(request.reference()).isPresent();
    try {
      Image image = images.prepare(request, clock.instant(), progress);
      return new PreparedImage(request.reference(), image.id());
    } finally {
      if (!present) {
        housekeeping.imageAdded();
      }
    }
  }

  @Override
  public boolean isImagePresent(ImageRequest request) {
    return images.find(request.reference()).isPresent();
  }

  @Override
  public void check(SandboxSpec spec) {
    boolean foreign =
        spec.platform()
            .filter(wanted ->
                !wanted.os().equals(capabilities.platformOs())
                    || !wanted.arch().equals(capabilities.platformArch()))
            .isPresent();
    if (foreign) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER,
          "platform: this machine runs only %s/%s"
              .formatted(capabilities.platformOs(), capabilities.platformArch()));
    }
    if (spec.limits().gpus().isPresent()) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "resourceLimits.gpu: the local runtime has no GPUs");
    }
    if (spec.limits().diskBytes().isPresent() && disk.withoutQuotas().isPresent()) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "resourceLimits: " + disk.withoutQuotas().get());
    }
    requireEnforceable(spec.limits());
    volumes.check(spec.volumes());
  }

  /// Limits are never accepted and then not enforced, unless the operator says so.
  private void requireEnforceable(ResourceLimits limits) {
    boolean given =
        limits.nanoCpus().isPresent()
            || limits.memoryBytes().isPresent()
            || limits.pids().isPresent();
    if (given && config.limits().required() && !cgroups.isPresent()) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER,
          "resourceLimits: this host gives the server's user no cgroups to enforce cpu, memory or"
              + " pids with; send none, have them delegated, or set local.require_limits = false"
              + " to run without them");
    }
  }

  @Override
  public RuntimeSandbox create(SandboxSpec spec, PreparedImage image) {
    check(spec);
    boolean crowded = creating.incrementAndGet() > CROWD;
    try (Holds.Hold hold = images.hold()) {
      return boxes
          .make(spec.id(), () -> creation.create(spec, found(image, hold), crowded))
          .view(engine);
    } finally {
      creating.decrementAndGet();
    }
  }

  private Image found(PreparedImage image, Holds.Hold hold) {
    Image found =
        images
            .open(image.reference(), hold)
            .orElseThrow(() ->
                new SandboxException(
                    ErrorCode.START_FAILED,
                    "image " + image.reference() + " is not there any more"));
    images.touch(found, clock.instant());
    return found;
  }

  @Override
  public RuntimeSandbox start(String id) {
    Box box = boxes.get(id);
    if (processes.start(box)) {
      listeners.changed(id);
    }
    return box.view(engine);
  }

  @Override
  public Optional<RuntimeSandbox> find(String id) {
    return boxes.find(id).map(box -> box.view(engine));
  }

  @Override
  public List<RuntimeSandbox> list() {
    return boxes.all().stream().map(box -> box.view(engine)).toList();
  }

  @Override
  public void pause(String id) {
    processes.pause(boxes.get(id));
    listeners.changed(id);
  }

  @Override
  public void resume(String id) {
    processes.resume(boxes.get(id));
    listeners.changed(id);
  }

  @Override
  public void remove(String id, Duration grace) {
    Optional<Box> found = boxes.find(id);
    if (found.isEmpty()) {
      return;
    }
    Box box = found.get();
    box.locked(() -> {
      if (boxes.find(id).equals(found)) {
        Faults.as(ErrorCode.DELETE_FAILED, () -> takeDown(box, grace));
      }
      return box;
    });
    listeners.changed(id);
  }

  /// The processes first, the record last but for what can be swept: a call that fails half way can
  /// be repeated.
  private Box takeDown(Box box, Duration grace) {
    processes.end(box, grace);
    box.forwards().forEach(Forward::close);
    boxes.remove(box);
    store.discard(store.directory(box.id()));
    notes.remove(box.id());
    Set<String> sources = boxes.mountSources();
    box.record().ownedVolumes().forEach(name -> volumes.removeUnused(name, sources));
    networks.release(box.slot());
    housekeeping.sandboxRemoved();
    return box;
  }

  @Override
  public String snapshot(String id, String snapshotId) {
    Box box = boxes.get(id);
    String reference = Images.SNAPSHOTS + snapshotId;
    return box.locked(() -> snapshots.capture(box, reference)).reference();
  }

  @Override
  public ForkPoint fork(String id) {
    return forks.capture(boxes.get(id));
  }

  @Override
  public boolean isSnapshotPresent(String imageReference) {
    return imageReference.startsWith(Images.SNAPSHOTS) && images.find(imageReference).isPresent();
  }

  @Override
  public void removeSnapshot(String imageReference) {
    if (!imageReference.startsWith(Images.SNAPSHOTS)) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_IMAGE_REMOVE_FAILED, "\"" + imageReference + "\" is not a snapshot");
    }
    boolean removed =
        Faults.as(
            ErrorCode.SNAPSHOT_IMAGE_REMOVE_FAILED, () -> images.remove(imageReference, boxes));
    if (!removed) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_DELETE_CONFLICT,
          "cannot delete snapshot image \"" + imageReference + "\": a sandbox uses it");
    }
  }

  @Override
  public PortAddress publicAddress(String id, int port) {
    SandboxRecord record = boxes.get(id).record();
    if (port == HTTP_PORT) {
      return address(config.publicHost(), record.network().httpPort(), "");
    }
    return address(config.publicHost(), record.network().execdPort(), "/proxy/" + port);
  }

  @Override
  public PortAddress internalAddress(String id, int port) {
    if (rootless) {
      // The way into the sandbox's network takes connections that nobody wants; this one waits.
      return onLoopback(publicAddress(id, port));
    }
    return address(boxes.get(id).slot().address(), port, "");
  }

  private PortAddress onLoopback(PortAddress published) {
    String host = config.bindAddress().equals("0.0.0.0") ? "127.0.0.1" : config.bindAddress();
    String port = published.authority().substring(published.authority().lastIndexOf(':') + 1);
    return new PortAddress(host + ":" + port, published.path(), published.headers());
  }

  private static PortAddress address(String host, int port, String path) {
    return new PortAddress(host + ":" + port, path, Map.of());
  }

  @Override
  public String logs(String id, int tail, Optional<Duration> since, boolean timestamps) {
    Box box = boxes.get(id);
    SandboxLog log = new SandboxLog(store.directory(id).resolve("log"));
    RuntimeSandbox seen = box.view(engine);
    // One that vanished took its writer with it.
    if (seen.state() == State.EXITED && seen.error().isEmpty()) {
      log.awaitComplete();
    }
    return log.read(tail, since.map(clock.instant()::minus), timestamps);
  }

  @Override
  public SandboxStats stats(String id) {
    return processes.stats(boxes.get(id));
  }

  @Override
  public String describe(String id) {
    Box box = boxes.get(id);
    return Description.of(
        box.view(engine), box.record(), box.slot().address(), config.bindAddress());
  }

  @Override
  public void updateLimits(String id, ResourceLimits limits) {
    requireEnforceable(limits);
    processes.updateLimits(boxes.get(id), limits);
  }

  @Override
  public Subscription subscribe(EventListener listener) {
    return listeners.add(listener);
  }

  @Override
  public int sweep() {
    return housekeeping.sweep(networks, cgroups, notes);
  }

  @Override
  public Optional<String> unhealthyReason() {
    return Files.isWritable(store.path("sandboxes"))
        ? Optional.empty()
        : Optional.of("cannot write to " + store.path("sandboxes"));
  }

  @Override
  public void close() {
    watch.close();
    ports.close();
    networks.close();
    listeners.close();
    images.close();
    housekeeping.close();
    if (boxes.isEmpty()) {
      firewall.ifPresent(Firewall::lower);
      cgroups.removeParent();
      notes.close();
      disk.close();
    }
    lock.close();
  }
}
