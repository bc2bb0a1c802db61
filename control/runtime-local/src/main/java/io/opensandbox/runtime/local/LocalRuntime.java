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
import io.opensandbox.runtime.local.engine.Engine;
import io.opensandbox.runtime.local.engine.ExitWatch;
import io.opensandbox.runtime.local.image.ExecdLayer;
import io.opensandbox.runtime.local.image.Image;
import io.opensandbox.runtime.local.image.Images;
import io.opensandbox.runtime.local.image.Layers;
import io.opensandbox.runtime.local.log.SandboxLog;
import io.opensandbox.runtime.local.network.Firewall;
import io.opensandbox.runtime.local.network.Networks;
import io.opensandbox.runtime.local.network.PortForwards;
import io.opensandbox.runtime.local.network.PortForwards.Forward;
import io.opensandbox.runtime.local.network.Slot;
import io.opensandbox.runtime.local.network.Subnets;
import io.opensandbox.runtime.local.process.Runner;
import io.opensandbox.runtime.local.record.SandboxRecord;
import io.opensandbox.runtime.local.record.SandboxRecord.Mount;
import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import io.opensandbox.runtime.local.volume.Volumes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sandboxes out of Linux namespaces on this machine, without a daemon.
///
/// One instance per data directory. Opening adopts the sandboxes that an earlier server left
/// running and clears away what it left half done; closing leaves them running.
public final class LocalRuntime implements SandboxRuntime {
  private static final Logger LOG = LoggerFactory.getLogger(LocalRuntime.class);
  private static final Pattern ID = Pattern.compile("[0-9a-zA-Z][0-9a-zA-Z-]{0,63}");
  private static final int HTTP_PORT = 8080;

  private final LocalConfig config;
  private final Clock clock;
  private final Capabilities capabilities;
  private final long hostMemory;
  private final Store store;
  private final CgroupTree cgroups;
  private final Layers layers;
  private final Images images;
  private final Volumes volumes;
  private final Networks networks;
  private final Firewall firewall;
  private final PortForwards ports;
  private final Engine engine;
  private final ExitWatch watch;
  private final Creation creation;
  private final Snapshots snapshots;
  private final Listeners listeners = new Listeners();
  private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicInteger forking = new AtomicInteger();
  private final Map<String, Box> boxes = new ConcurrentHashMap<>();
  private final Map<String, ReentrantLock> creating = new ConcurrentHashMap<>();

  /// Opens the runtime.
  ///
  /// Throws `RUNTIME_UNAVAILABLE` that says what this machine lacks.
  ///
  /// @param runner starts the host's programs
  public LocalRuntime(LocalConfig config, Clock clock, Runner runner) {
    this.config = config;
    this.clock = clock;
    Host host = new Host(runner);
    this.store = openStore(config);
    String prefix = "osl" + Images.hash(config.dataDirectory().toString()).substring(0, 6);
    this.cgroups = CgroupTree.detect(prefix, host.mounts());
    requireHost(host, cgroups);
    this.capabilities = new Capabilities(features(), "linux", host.architecture());
    this.hostMemory = host.memoryBytes();
    cgroups.prepare(config.limits().totalMemoryBytes().orElse(hostMemory / 10 * 9));
    this.layers = new Layers(store.path("layers"), runner);
    this.images =
        new Images(
            store.path("images"),
            store.path("downloads"),
            capabilities.platformArch(),
            new Images.Sources(
                config.imageSources().directories(),
                config.imageSources().insecureRegistries(),
                config.imageSources().layouts()),
            store.records(),
            layers,
            runner);
    this.volumes =
        new Volumes(store.path("volumes"), store.path("trash"), config.allowedHostPaths());
    this.engine =
        new Engine(
            config.dataDirectory(), capabilities.platformArch(), config.capabilities(), runner);
    this.watch = new ExitWatch(listeners::changed);
    this.ports = new PortForwards(config.bindAddress());
    List<SandboxRecord> found = store.load();
    int subnet = Subnets.choose(host.routes(), prefix);
    this.firewall = new Firewall(prefix, subnet, runner);
    firewall.raise();
    this.networks =
        new Networks(
            prefix,
            subnet,
            host.mtu(),
            config.limits().preparedNetworks(),
            found.stream().map(record -> record.network().slot()).collect(Collectors.toSet()),
            runner);
    ExecdLayer execd = new ExecdLayer(config.execdDirectory(), layers, runner);
    this.creation =
        new Creation(
            new Creation.Parts(store, layers, execd, volumes, networks, ports, cgroups),
            config,
            clock,
            host.resolvConf());
    this.snapshots = new Snapshots(store, layers, images, engine, runner);
    found.forEach(this::adopt);
    layers.removeUnfinished();
    sweep();
    background.execute(() -> prepare(execd));
  }

  /// What the first create would otherwise wait for.
  private static void prepare(ExecdLayer execd) {
    try {
      execd.name();
    } catch (SandboxException e) {
      LOG.warn("sandboxes cannot be made: {}", e.getMessage());
    }
  }

  private static Store openStore(LocalConfig config) {
    try {
      return new Store(config.dataDirectory());
    } catch (IllegalStateException e) {
      throw new SandboxException(
          ErrorCode.RUNTIME_UNAVAILABLE, "The local runtime " + e.getMessage(), e);
    }
  }

  private static void requireHost(Host host, CgroupTree cgroups) {
    List<String> missing = new ArrayList<>(host.missing());
    cgroups.missing().forEach(name -> missing.add("there is no cgroup controller " + name));
    if (!missing.isEmpty()) {
      throw new SandboxException(
          ErrorCode.RUNTIME_UNAVAILABLE,
          "The local runtime cannot work on this machine: "
              + String.join("; ", missing)
              + ". See docs/local-runtime.md");
    }
  }

  private static Set<Capabilities.Feature> features() {
    return Set.of(
        Capabilities.Feature.PAUSE,
        Capabilities.Feature.SNAPSHOT,
        Capabilities.Feature.HOST_VOLUMES,
        Capabilities.Feature.NAMED_VOLUMES,
        Capabilities.Feature.FORK);
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
    boxes.put(record.id(), new Box(record, slot, cgroups.of(record.id()), forwards));
    if (record.started()) {
      watch.watch(record.id(), engine.notes(record.id()));
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
    Image image = images.prepare(request, progress);
    if (!present) {
      background.execute(this::collectImages);
    }
    return new PreparedImage(request.reference(), image.id());
  }

  private void collectImages() {
    Set<String> references =
        boxes.values().stream()
            .map(box -> box.record().imageReference())
            .collect(Collectors.toSet());
    try {
      int removed = images.collect(config.limits().imageBytes(), references, layersInUse());
      if (removed > 0) {
        LOG.info("removed {} unused images to stay below the disk limit", removed);
      }
    } catch (Runner.RunFailure | java.io.UncheckedIOException e) {
      LOG.warn("cannot tidy images; the next pull tries again: {}", e.getMessage());
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
    volumes.check(spec.volumes());
  }

  @Override
  public RuntimeSandbox create(SandboxSpec spec, PreparedImage image) {
    check(spec);
    return make(
        spec.id(),
        () -> {
          Image found =
              images
                  .find(image.reference())
                  .orElseThrow(() ->
                      new SandboxException(
                          ErrorCode.START_FAILED,
                          "image " + image.reference() + " is not there any more"));
          images.touch(found, clock.instant());
          return creation.create(spec, found);
        });
  }

  private RuntimeSandbox make(String id, Supplier<Box> work) {
    if (!ID.matcher(id).matches()) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "the id \"" + id + "\" is not a sandbox id");
    }
    ReentrantLock lock = creating.computeIfAbsent(id, _ -> new ReentrantLock());
    lock.lock();
    try {
      Box existing = boxes.get(id);
      if (existing == null) {
        existing = failing(ErrorCode.START_FAILED, work);
        boxes.put(id, existing);
      }
      return existing.view(engine);
    } finally {
      lock.unlock();
      creating.remove(id);
    }
  }

  @Override
  public RuntimeSandbox start(String id) {
    Box box = box(id);
    return locked(
        box,
        () -> {
          if (!box.record().started()) {
            launch(box);
            listeners.changed(id);
          }
          return box.view(engine);
        });
  }

  private void launch(Box box) {
    SandboxRecord record = box.record();
    box.setStarting(true);
    try {
      box.cgroup().make();
      box.cgroup().restrictDevices();
      box.cgroup().limit(record.limits());
      watch.watch(record.id(), engine.notes(record.id()));
      store.save(record.asStarted());
      box.replace(record.asStarted());
      engine.start(record, box.slot().path(), box.cgroup());
    } catch (Engine.StartFailure | java.io.UncheckedIOException e) {
      throw new SandboxException(
          ErrorCode.START_FAILED,
          "cannot start sandbox \"" + record.id() + "\": " + e.getMessage(),
          e);
    } finally {
      box.setStarting(false);
    }
  }

  @Override
  public Optional<RuntimeSandbox> find(String id) {
    return Optional.ofNullable(boxes.get(id)).map(box -> box.view(engine));
  }

  @Override
  public List<RuntimeSandbox> list() {
    return boxes.values().stream().map(box -> box.view(engine)).toList();
  }

  @Override
  public void pause(String id) {
    Box box = box(id);
    locked(
        box,
        () -> {
          require(box, State.RUNNING, ErrorCode.SANDBOX_NOT_RUNNING, "pause", "it is not running");
          if (!failing(ErrorCode.PAUSE_FAILED, box.cgroup()::freeze)) {
            box.cgroup().thaw();
            throw new SandboxException(
                ErrorCode.PAUSE_FAILED,
                "cannot pause sandbox \"" + id + "\": its processes do not freeze");
          }
          return box;
        });
    listeners.changed(id);
  }

  @Override
  public void resume(String id) {
    Box box = box(id);
    locked(
        box,
        () -> {
          require(box, State.PAUSED, ErrorCode.SANDBOX_NOT_PAUSED, "resume", "it is not paused");
          if (!failing(ErrorCode.RESUME_FAILED, box.cgroup()::thaw)) {
            throw new SandboxException(
                ErrorCode.RESUME_FAILED,
                "cannot resume sandbox \"" + id + "\": its processes do not thaw");
          }
          return box;
        });
    listeners.changed(id);
  }

  private void require(Box box, State state, ErrorCode code, String verb, String reason) {
    if (box.view(engine).state() != state) {
      throw new SandboxException(
          code, "cannot " + verb + " sandbox \"" + box.id() + "\": " + reason);
    }
  }

  @Override
  public void remove(String id, Duration grace) {
    Box box = boxes.get(id);
    if (box == null) {
      return;
    }
    locked(
        box,
        () -> {
          if (boxes.get(id) == box) {
            failing(ErrorCode.DELETE_FAILED, () -> takeDown(box, grace));
          }
          return box;
        });
    listeners.changed(id);
  }

  /// The processes first, the record last but for what can be swept: a call that fails half way can
  /// be repeated.
  private Box takeDown(Box box, Duration grace) {
    String id = box.id();
    if (!engine.end(id, box.cgroup(), grace) || !box.cgroup().remove()) {
      throw new SandboxException(
          ErrorCode.DELETE_FAILED,
          "cannot delete sandbox \"" + id + "\": some of its processes do not end");
    }
    box.forwards().forEach(Forward::close);
    boxes.remove(id);
    store.discard(store.directory(id));
    Set<String> sources = mountSources();
    box.record().ownedVolumes().forEach(name -> volumes.removeUnused(name, sources));
    networks.release(box.slot());
    background.execute(() -> {
      emptyTrash();
      removeForkLayers();
    });
    return box;
  }

  private Set<String> mountSources() {
    return boxes.values().stream()
        .flatMap(other -> other.record().mounts().stream())
        .map(Mount::source)
        .collect(Collectors.toSet());
  }

  private int emptyTrash() {
    List<Path> trash = store.trash();
    for (Path path : trash) {
      try {
        layers.removeTree(path);
      } catch (Runner.RunFailure e) {
        LOG.warn("cannot delete {}; the next sweep tries again: {}", path, e.getMessage());
      }
    }
    return trash.size();
  }

  @Override
  public String snapshot(String id, String snapshotId) {
    Box box = box(id);
    String reference = Images.SNAPSHOTS + snapshotId;
    return locked(box, () -> snapshots.capture(box, reference)).reference();
  }

  @Override
  public ForkPoint fork(String id) {
    Box source = box(id);
    forking.incrementAndGet();
    try {
      return new Captured(
          locked(source, () -> snapshots.captureForCopies(source)), source.record());
    } catch (RuntimeException e) {
      forking.decrementAndGet();
      throw e;
    }
  }

  /// The files of a sandbox at one moment. Their layer stays while this is open or a copy uses it.
  private final class Captured implements ForkPoint {
    private final Image image;
    private final SandboxRecord source;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Captured(Image image, SandboxRecord source) {
      this.image = image;
      this.source = source;
    }

    @Override
    public RuntimeSandbox copy(String id, Map<String, String> labels) {
      return make(id, () -> creation.copy(id, labels, source, image));
    }

    @Override
    public void close() {
      if (!closed.getAndSet(true)) {
        forking.decrementAndGet();
        background.execute(LocalRuntime.this::removeForkLayers);
      }
    }
  }

  /// Removes layers of forks that no copy needs any more.
  private int removeForkLayers() {
    if (forking.get() > 0) {
      return 0;
    }
    Set<String> used = layersInUse();
    images.all().forEach(image -> image.trees().forEach(tree -> used.addAll(tree.lowers())));
    List<String> unused =
        layers.names().stream()
            .filter(name -> name.startsWith(Layers.FORK) && !used.contains(name))
            .toList();
    unused.forEach(layers::remove);
    return unused.size();
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
    boolean inUse =
        boxes.values().stream()
            .anyMatch(box -> box.record().imageReference().equals(imageReference));
    if (inUse) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_DELETE_CONFLICT,
          "cannot delete snapshot image \"" + imageReference + "\": a sandbox uses it");
    }
    failing(
        ErrorCode.SNAPSHOT_IMAGE_REMOVE_FAILED,
        () -> {
          images.remove(imageReference, layersInUse());
          return imageReference;
        });
  }

  private Set<String> layersInUse() {
    Set<String> used = new HashSet<>();
    for (Box box : boxes.values()) {
      for (Tree tree : box.record().trees()) {
        used.addAll(tree.lowers());
      }
    }
    return used;
  }

  @Override
  public PortAddress publicAddress(String id, int port) {
    SandboxRecord record = box(id).record();
    if (port == HTTP_PORT) {
      return address(config.publicHost(), record.network().httpPort(), "");
    }
    return address(config.publicHost(), record.network().execdPort(), "/proxy/" + port);
  }

  @Override
  public PortAddress internalAddress(String id, int port) {
    return address(box(id).slot().address(), port, "");
  }

  private static PortAddress address(String host, int port, String path) {
    return new PortAddress(host + ":" + port, path, Map.of());
  }

  @Override
  public String logs(String id, int tail, Optional<Duration> since, boolean timestamps) {
    Box box = box(id);
    SandboxLog log = new SandboxLog(store.directory(id).resolve("log"));
    if (box.view(engine).state() == State.EXITED) {
      log.awaitComplete();
    }
    return log.read(tail, since.map(clock.instant()::minus), timestamps);
  }

  @Override
  public SandboxStats stats(String id) {
    Box box = box(id);
    State state = box.view(engine).state();
    if (state != State.RUNNING && state != State.PAUSED) {
      throw new SandboxException(
          ErrorCode.SANDBOX_NOT_RUNNING, "sandbox \"" + id + "\" is not running");
    }
    Long limit = box.record().memoryBytes();
    return new SandboxStats(
        box.cgroup().cpuNanos(),
        box.cgroup().memoryBytes(),
        limit == null ? hostMemory : limit,
        box.cgroup().pids());
  }

  @Override
  public String describe(String id) {
    Box box = box(id);
    return Description.of(
        box.view(engine), box.record(), box.slot().address(), config.bindAddress());
  }

  @Override
  public void updateLimits(String id, ResourceLimits limits) {
    Box box = box(id);
    locked(
        box,
        () -> {
          SandboxRecord old = box.record();
          SandboxRecord changed = old.withLimits(limits);
          if (old.started() && box.cgroup().exists()) {
            failing(
                ErrorCode.INTERNAL_ERROR,
                () -> {
                  box.cgroup().limit(limits);
                  return box;
                });
          }
          store.save(changed);
          box.replace(changed);
          return box;
        });
  }

  @Override
  public Subscription subscribe(EventListener listener) {
    return listeners.add(listener);
  }

  @Override
  public int sweep() {
    int removed = emptyTrash() + removeForkLayers();
    removed += networks.removeStrangers();
    for (String name : cgroups.names()) {
      if (!boxes.containsKey(name) && !creating.containsKey(name)) {
        var orphan = cgroups.of(name);
        orphan.kill();
        orphan.remove();
        removed++;
      }
    }
    return removed;
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
    if (boxes.isEmpty()) {
      firewall.lower();
      cgroups.removeParent();
    }
    listeners.close();
    background.shutdown();
    try {
      if (!background.awaitTermination(30, TimeUnit.SECONDS)) {
        LOG.warn("files of removed sandboxes are still being deleted; the next start goes on");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    store.close();
  }

  private Box box(String id) {
    Box box = boxes.get(id);
    if (box == null) {
      throw new SandboxException(
          ErrorCode.SANDBOX_NOT_FOUND, "Sandbox \"" + id + "\" does not exist");
    }
    return box;
  }

  private <T> T locked(Box box, Supplier<T> work) {
    box.lock().lock();
    try {
      return work.get();
    } finally {
      box.lock().unlock();
    }
  }

  /// Gives faults of the machine the code of what was being done; codes stay as they are.
  private static <T> T failing(ErrorCode code, Supplier<T> work) {
    try {
      return work.get();
    } catch (Runner.RunFailure | java.io.UncheckedIOException e) {
      throw new SandboxException(code, String.valueOf(e.getMessage()), e);
    }
  }
}
