package io.opensandbox.runtime;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A runtime in memory that obeys the seam to the letter and can be made to fail.
///
/// Images are there ([#addLocalImage]), in the registry ([#addRegistryImage], [#addPrivateImage]),
/// or unknown. Entrypoints are understood as far as tests need them: `true`, `sh -c "exit N"`, `sh
/// -c "echo TEXT"` (several joined by `;`) end by themselves, a path that does not exist
/// (`/no/such/...`) ends with 127, everything else runs until it is stopped.
///
/// Failures: [#failNext] before a step does anything, [#failAfterNext] after its effect (as when
/// the connection to the engine breaks), [#intercept] for anything else, also blocking. What
/// happens behind the server's back: [#exit], [#outOfMemory], [#vanish], [#pauseBehindBack],
/// [#loseEvents].
public final class FakeRuntime implements SandboxRuntime {
  /// The calls of the seam that can be made to fail or counted.
  public enum Step {
    PREPARE_IMAGE,
    CHECK,
    CREATE,
    START,
    FIND,
    LIST,
    PAUSE,
    RESUME,
    REMOVE,
    SNAPSHOT,
    REMOVE_SNAPSHOT,
    FORK,
    COPY,
    ADDRESS,
    LOGS,
    STATS,
    DESCRIBE,
    UPDATE_LIMITS,
    SWEEP
  }

  /// Called before each step, outside any lock; may throw or block.
  @FunctionalInterface
  public interface Interceptor {
    /// Sees a call before it happens.
    ///
    /// @param subject sandbox id, image reference, or empty text
    void before(Step step, String subject);
  }

  private static final Pattern EXIT = Pattern.compile("exit (\\d+)");
  private static final Pattern SECRET = Pattern.compile("SECRET|TOKEN|PASSWORD|KEY");
  private static final String SNAPSHOTS = "opensandbox-snapshots:";

  private final Clock clock;
  private final ExecutorService events =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().factory());
  private final List<EventListener> listeners = new CopyOnWriteArrayList<>();
  private final AtomicInteger nextPort = new AtomicInteger(40_000);

  // Guarded by this.
  private final Map<String, Box> boxes = new LinkedHashMap<>();
  private final Map<String, FakeImage> images = new HashMap<>();
  private final Map<String, FakeImage> registry = new HashMap<>();
  private final Set<String> volumes = new HashSet<>();
  private final Map<Step, Deque<RuntimeException>> failBefore = new EnumMap<>(Step.class);
  private final Map<Step, Deque<RuntimeException>> failAfter = new EnumMap<>(Step.class);
  private final Map<Step, Integer> calls = new EnumMap<>(Step.class);
  private final Map<String, PortAddress> addresses = new HashMap<>();
  private Set<Capabilities.Feature> features =
      Set.of(
          Capabilities.Feature.PAUSE,
          Capabilities.Feature.FREEZER,
          Capabilities.Feature.SNAPSHOT,
          Capabilities.Feature.FORK,
          Capabilities.Feature.HOST_VOLUMES,
          Capabilities.Feature.NAMED_VOLUMES,
          Capabilities.Feature.RESOURCE_LIMITS,
          Capabilities.Feature.IMAGE_USERS);
  private Optional<String> unhealthy = Optional.empty();
  private boolean eventsLost;
  private int leftovers;

  private volatile Interceptor interceptor = (_, _) -> {};

  /// A runtime with the local image `busybox`, on the system's clock.
  public FakeRuntime() {
    this(Clock.systemUTC());
  }

  /// A runtime with the local image `busybox`.
  public FakeRuntime(Clock clock) {
    this.clock = clock;
    addLocalImage("busybox");
  }

  // ---- What tests set up -------------------------------------------------------------------

  /// Puts an image on the host.
  public synchronized void addLocalImage(String reference) {
    images.put(tagged(reference), new FakeImage(idOf(reference), Optional.empty(), Map.of()));
  }

  /// Puts an image into the registry, free for everybody.
  public synchronized void addRegistryImage(String reference) {
    registry.put(tagged(reference), new FakeImage(idOf(reference), Optional.empty(), Map.of()));
  }

  /// Puts an image into the registry that needs this login.
  public synchronized void addPrivateImage(String reference, ImageRequest.Auth auth) {
    registry.put(tagged(reference), new FakeImage(idOf(reference), Optional.of(auth), Map.of()));
  }

  /// Makes a named volume that no sandbox owns.
  public synchronized void addVolume(String name) {
    volumes.add(name);
  }

  /// Replaces what the runtime claims to be able to do.
  public synchronized void setFeatures(Set<Capabilities.Feature> features) {
    this.features = Set.copyOf(features);
  }

  /// Where a port of a sandbox is found from now on, publicly and internally.
  public synchronized void setAddress(String id, int port, PortAddress address) {
    addresses.put(id + ":" + port, address);
  }

  /// Makes [#unhealthyReason] answer this; empty for healthy.
  public synchronized void setUnhealthy(Optional<String> reason) {
    unhealthy = reason;
  }

  /// Adds things that [#sweep] will remove.
  public synchronized void addLeftovers(int count) {
    leftovers += count;
  }

  /// Makes the next `step` fail before it does anything; several queue up.
  public synchronized void failNext(Step step, RuntimeException failure) {
    failBefore.computeIfAbsent(step, _ -> new ArrayDeque<>()).add(failure);
  }

  /// Makes the next `step` take effect and then fail all the same; several queue up.
  public synchronized void failAfterNext(Step step, RuntimeException failure) {
    failAfter.computeIfAbsent(step, _ -> new ArrayDeque<>()).add(failure);
  }

  /// Replaces the interceptor.
  public void intercept(Interceptor interceptor) {
    this.interceptor = interceptor;
  }

  /// While true no event reaches a listener; turning it off again sends a resync.
  public void loseEvents(boolean lose) {
    synchronized (this) {
      eventsLost = lose;
    }
    if (!lose) {
      emit(new RuntimeEvent.Resync());
    }
  }

  // ---- What happens behind the server's back -------------------------------------------------

  /// Ends the sandbox's first process.
  public void exit(String id, int code) {
    synchronized (this) {
      box(id).end(code, false, clock.instant());
    }
    emit(new RuntimeEvent.Changed(id));
  }

  /// Lets the kernel kill the sandbox's first process for memory.
  public void outOfMemory(String id) {
    synchronized (this) {
      box(id).end(137, true, clock.instant());
    }
    emit(new RuntimeEvent.Changed(id));
  }

  /// Notes what health checks found.
  public void checked(String id, String health, List<String> checks) {
    synchronized (this) {
      box(id).health = health;
      box(id).checks = List.copyOf(checks);
    }
    emit(new RuntimeEvent.Changed(id));
  }

  /// Removes the sandbox as somebody at the engine's own command line would.
  public void vanish(String id) {
    synchronized (this) {
      boxes.remove(id);
    }
    emit(new RuntimeEvent.Changed(id));
  }

  /// Pauses the sandbox as somebody at the engine's own command line would.
  public void pauseBehindBack(String id) {
    synchronized (this) {
      box(id).state = RuntimeSandbox.State.PAUSED;
    }
    emit(new RuntimeEvent.Changed(id));
  }

  // ---- What tests look at ---------------------------------------------------------------------

  /// How often `step` was called.
  public synchronized int calls(Step step) {
    return calls.getOrDefault(step, 0);
  }

  /// Ids of every sandbox that exists, oldest first.
  public synchronized List<String> sandboxIds() {
    return List.copyOf(boxes.keySet());
  }

  /// Names of every named volume that exists.
  public synchronized Set<String> volumeNames() {
    return Set.copyOf(volumes);
  }

  /// References of every image on the host.
  public synchronized Set<String> imageReferences() {
    return Set.copyOf(images.keySet());
  }

  /// The specification a sandbox was made from.
  public synchronized SandboxSpec spec(String id) {
    return box(id).spec;
  }

  /// The limits a sandbox has now.
  public synchronized ResourceLimits limits(String id) {
    return box(id).limits;
  }

  /// Returns when every event sent so far has been delivered.
  public void awaitEvents() {
    Future<?> marker = events.submit(() -> {});
    try {
      marker.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for events", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  // ---- The seam --------------------------------------------------------------------------------

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public synchronized Capabilities capabilities() {
    return new Capabilities(features, "linux", "amd64");
  }

  @Override
  public PreparedImage prepareImage(ImageRequest request, ProgressListener progress) {
    String reference = request.reference();
    before(Step.PREPARE_IMAGE, reference);
    FakeImage image;
    boolean present;
    synchronized (this) {
      present = images.containsKey(tagged(reference));
      image = present ? images.get(tagged(reference)) : registry.get(tagged(reference));
    }
    if (image == null && reference.startsWith(SNAPSHOTS)) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_INVALID_RESTORE_CONFIG,
          "image of the snapshot is gone: \"" + reference + "\"");
    }
    if (image == null || !image.admits(request.auth(), present)) {
      throw new SandboxException(
          ErrorCode.IMAGE_PULL_FAILED,
          "Failed to pull image " + reference + ": pull access denied or image does not exist");
    }
    if (!present) {
      progress.progress("pulling " + reference);
      synchronized (this) {
        images.put(tagged(reference), image);
      }
      progress.progress("pulled " + reference);
    }
    after(Step.PREPARE_IMAGE);
    return new PreparedImage(reference, image.id());
  }

  @Override
  public synchronized boolean isImagePresent(ImageRequest request) {
    return images.containsKey(tagged(request.reference()));
  }

  @Override
  public void check(SandboxSpec spec) {
    before(Step.CHECK, spec.id());
    synchronized (this) {
      checkVolumes(spec.volumes());
    }
    after(Step.CHECK);
  }

  @Override
  public RuntimeSandbox create(SandboxSpec spec, PreparedImage image) {
    before(Step.CREATE, spec.id());
    RuntimeSandbox made;
    synchronized (this) {
      Box existing = boxes.get(spec.id());
      if (existing == null) {
        Set<String> owned = makeVolumes(spec.volumes());
        existing = new Box(spec, image.reference(), clock.instant(), owned, nextPort);
        boxes.put(spec.id(), existing);
      }
      made = existing.view();
    }
    after(Step.CREATE);
    return made;
  }

  @Override
  public RuntimeSandbox start(String id) {
    before(Step.START, id);
    RuntimeSandbox started;
    synchronized (this) {
      Box box = box(id);
      if (box.state == RuntimeSandbox.State.CREATED) {
        box.start(clock.instant());
      }
      started = box.view();
    }
    emit(new RuntimeEvent.Changed(id));
    after(Step.START);
    return started;
  }

  @Override
  public Optional<RuntimeSandbox> find(String id) {
    before(Step.FIND, id);
    Optional<RuntimeSandbox> found;
    synchronized (this) {
      found = Optional.ofNullable(boxes.get(id)).map(Box::view);
    }
    after(Step.FIND);
    return found;
  }

  @Override
  public List<RuntimeSandbox> list() {
    before(Step.LIST, "");
    List<RuntimeSandbox> found;
    synchronized (this) {
      found = boxes.values().stream().map(Box::view).toList();
    }
    after(Step.LIST);
    return found;
  }

  @Override
  public void pause(String id) {
    before(Step.PAUSE, id);
    synchronized (this) {
      Box box = box(id);
      if (box.state != RuntimeSandbox.State.RUNNING) {
        throw new SandboxException(
            ErrorCode.SANDBOX_NOT_RUNNING,
            "cannot pause sandbox \"" + id + "\": it is not running");
      }
      box.state = RuntimeSandbox.State.PAUSED;
    }
    emit(new RuntimeEvent.Changed(id));
    after(Step.PAUSE);
  }

  @Override
  public void resume(String id) {
    before(Step.RESUME, id);
    synchronized (this) {
      Box box = box(id);
      if (box.state != RuntimeSandbox.State.PAUSED) {
        throw new SandboxException(
            ErrorCode.SANDBOX_NOT_PAUSED, "cannot resume sandbox \"" + id + "\": it is not paused");
      }
      box.state = RuntimeSandbox.State.RUNNING;
    }
    emit(new RuntimeEvent.Changed(id));
    after(Step.RESUME);
  }

  @Override
  public void remove(String id, Duration grace) {
    before(Step.REMOVE, id);
    synchronized (this) {
      Box box = boxes.remove(id);
      if (box != null) {
        volumes.removeAll(box.ownedVolumes);
      }
    }
    emit(new RuntimeEvent.Changed(id));
    after(Step.REMOVE);
  }

  @Override
  public String snapshot(String id, String snapshotId) {
    before(Step.SNAPSHOT, id);
    String reference = SNAPSHOTS + snapshotId;
    synchronized (this) {
      Box box = box(id);
      images.computeIfAbsent(
          reference, _ -> new FakeImage(idOf(reference), Optional.empty(), box.spec.env()));
    }
    after(Step.SNAPSHOT);
    return reference;
  }

  @Override
  public synchronized boolean isSnapshotPresent(String imageReference) {
    return images.containsKey(imageReference);
  }

  @Override
  public void removeSnapshot(String imageReference) {
    before(Step.REMOVE_SNAPSHOT, imageReference);
    synchronized (this) {
      if (boxes.values().stream().anyMatch(box -> box.image.equals(imageReference))) {
        throw new SandboxException(
            ErrorCode.SNAPSHOT_DELETE_CONFLICT,
            "cannot delete snapshot image \"" + imageReference + "\": a sandbox uses it");
      }
      images.remove(imageReference);
    }
    after(Step.REMOVE_SNAPSHOT);
  }

  @Override
  public ForkPoint fork(String id) {
    before(Step.FORK, id);
    FakeForkPoint point;
    synchronized (this) {
      Box box = box(id);
      point = new FakeForkPoint(box.spec, box.image, box.limits);
    }
    after(Step.FORK);
    return point;
  }

  /// What a sandbox was when it was captured.
  private final class FakeForkPoint implements ForkPoint {
    private final SandboxSpec source;
    private final String image;
    private final ResourceLimits limits;

    private FakeForkPoint(SandboxSpec source, String image, ResourceLimits limits) {
      this.source = source;
      this.image = image;
      this.limits = limits;
    }

    @Override
    public RuntimeSandbox copy(String id, Map<String, String> labels) {
      before(Step.COPY, id);
      RuntimeSandbox made;
      synchronized (FakeRuntime.this) {
        Box existing = boxes.get(id);
        if (existing == null) {
          SandboxSpec spec =
              new SandboxSpec(
                  id,
                  source.entrypoint(),
                  source.env(),
                  limits,
                  source.volumes(),
                  labels,
                  source.platform());
          existing = new Box(spec, image, clock.instant(), makeVolumes(spec.volumes()), nextPort);
          boxes.put(id, existing);
        }
        made = existing.view();
      }
      after(Step.COPY);
      return made;
    }

    @Override
    public void close() {
      // The copies have everything.
    }
  }

  @Override
  public PortAddress publicAddress(String id, int port) {
    return address(id, port);
  }

  @Override
  public PortAddress internalAddress(String id, int port) {
    return address(id, port);
  }

  private PortAddress address(String id, int port) {
    before(Step.ADDRESS, id);
    PortAddress address;
    synchronized (this) {
      Box box = box(id);
      PortAddress set = addresses.get(id + ":" + port);
      if (set != null) {
        address = set;
      } else if (port == 8080) {
        address = new PortAddress("127.0.0.1:" + box.httpPort, "", Map.of());
      } else {
        address = new PortAddress("127.0.0.1:" + box.execdPort, "/proxy/" + port, Map.of());
      }
    }
    after(Step.ADDRESS);
    return address;
  }

  @Override
  public String logs(String id, int tail, Optional<Duration> since, boolean timestamps) {
    before(Step.LOGS, id);
    String text;
    synchronized (this) {
      Box box = box(id);
      Optional<Instant> from = since.map(clock.instant()::minus);
      List<LogLine> lines =
          box.log.stream()
              .filter(line -> from.isEmpty() || !line.at().isBefore(from.get()))
              .toList();
      StringBuilder out = new StringBuilder();
      for (LogLine line : lines.subList(Math.max(0, lines.size() - tail), lines.size())) {
        out.append(timestamps ? line.at() + " " : "").append(line.text()).append('\n');
      }
      text = out.toString();
    }
    after(Step.LOGS);
    return text;
  }

  @Override
  public SandboxStats stats(String id) {
    before(Step.STATS, id);
    SandboxStats stats;
    synchronized (this) {
      Box box = box(id);
      if (box.state != RuntimeSandbox.State.RUNNING && box.state != RuntimeSandbox.State.PAUSED) {
        throw new SandboxException(
            ErrorCode.SANDBOX_NOT_RUNNING, "sandbox \"" + id + "\" is not running");
      }
      stats = new SandboxStats(1_000_000, 1 << 20, box.limits.memoryBytes().orElse(1L << 30), 2);
    }
    after(Step.STATS);
    return stats;
  }

  @Override
  public String describe(String id) {
    before(Step.DESCRIBE, id);
    StringBuilder out = new StringBuilder();
    synchronized (this) {
      Box box = box(id);
      out.append("Container ID:   ").append(id).append('\n');
      out.append("Image:          ").append(box.image).append('\n');
      out.append("Environment:\n");
      box.spec
          .env()
          .forEach((key, value) ->
              out.append("  ")
                  .append(key)
                  .append('=')
                  .append(SECRET.matcher(key).find() ? "***" : value)
                  .append('\n'));
    }
    after(Step.DESCRIBE);
    return out.toString();
  }

  @Override
  public void updateLimits(String id, ResourceLimits limits) {
    before(Step.UPDATE_LIMITS, id);
    synchronized (this) {
      box(id).limits = limits;
    }
    after(Step.UPDATE_LIMITS);
  }

  @Override
  public Subscription subscribe(EventListener listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  @Override
  public int sweep() {
    before(Step.SWEEP, "");
    int removed;
    synchronized (this) {
      removed = leftovers;
      leftovers = 0;
    }
    after(Step.SWEEP);
    return removed;
  }

  @Override
  public synchronized Optional<String> unhealthyReason() {
    return unhealthy;
  }

  @Override
  public void close() {
    events.close();
  }

  // ---- Insides ---------------------------------------------------------------------------------

  private void before(Step step, String subject) {
    RuntimeException failure;
    synchronized (this) {
      calls.merge(step, 1, Integer::sum);
      failure = poll(failBefore, step);
    }
    interceptor.before(step, subject);
    if (failure != null) {
      throw failure;
    }
  }

  private void after(Step step) {
    RuntimeException failure;
    synchronized (this) {
      failure = poll(failAfter, step);
    }
    if (failure != null) {
      throw failure;
    }
  }

  private static @Nullable RuntimeException poll(
      Map<Step, Deque<RuntimeException>> failures, Step step) {
    Deque<RuntimeException> queue = failures.get(step);
    return queue == null ? null : queue.poll();
  }

  private void emit(RuntimeEvent event) {
    synchronized (this) {
      if (eventsLost) {
        return;
      }
    }
    events.execute(() -> listeners.forEach(listener -> listener.event(event)));
  }

  private Box box(String id) {
    Box box = boxes.get(id);
    if (box == null) {
      throw new SandboxException(
          ErrorCode.SANDBOX_NOT_FOUND, "sandbox \"" + id + "\" does not exist");
    }
    return box;
  }

  private void checkVolumes(Collection<VolumeMount> mounts) {
    for (VolumeMount.Named mount : named(mounts)) {
      if (!mount.createIfMissing() && !volumes.contains(mount.claimName())) {
        throw new SandboxException(
            ErrorCode.VOLUME_PVC_NOT_FOUND, "volume \"" + mount.claimName() + "\" does not exist");
      }
    }
  }

  private Set<String> makeVolumes(Collection<VolumeMount> mounts) {
    checkVolumes(mounts);
    Set<String> owned = new HashSet<>();
    for (VolumeMount.Named mount : named(mounts)) {
      if (volumes.add(mount.claimName()) && mount.deleteWithSandbox()) {
        owned.add(mount.claimName());
      }
    }
    return owned;
  }

  private static List<VolumeMount.Named> named(Collection<VolumeMount> mounts) {
    return mounts.stream()
        .filter(VolumeMount.Named.class::isInstance)
        .map(VolumeMount.Named.class::cast)
        .toList();
  }

  private static String tagged(String reference) {
    int name = reference.lastIndexOf('/') + 1;
    boolean hasTag = reference.indexOf(':', name) >= 0 || reference.indexOf('@', name) >= 0;
    return hasTag ? reference : reference + ":latest";
  }

  private static String idOf(String reference) {
    return "sha256:%064x".formatted(tagged(reference).hashCode() & 0xffffffffL);
  }

  private record LogLine(Instant at, String text) {}

  private record FakeImage(String id, Optional<ImageRequest.Auth> login, Map<String, String> env) {
    boolean admits(Optional<ImageRequest.Auth> auth, boolean present) {
      return present || login.isEmpty() || login.equals(auth);
    }
  }

  /// One sandbox; guarded by the runtime's lock.
  private static final class Box {
    final SandboxSpec spec;
    final String image;
    final Instant createdAt;
    final Set<String> ownedVolumes;
    final int execdPort;
    final int httpPort;
    final List<LogLine> log = new ArrayList<>();
    ResourceLimits limits;
    RuntimeSandbox.State state = RuntimeSandbox.State.CREATED;
    OptionalInt exitCode = OptionalInt.empty();
    boolean outOfMemory;
    Optional<Instant> finishedAt = Optional.empty();
    Optional<Instant> startedAt = Optional.empty();
    String health = "";
    List<String> checks = List.of();

    Box(
        SandboxSpec spec,
        String image,
        Instant createdAt,
        Set<String> ownedVolumes,
        AtomicInteger nextPort) {
      this.spec = spec;
      this.image = image;
      this.createdAt = createdAt;
      this.ownedVolumes = ownedVolumes;
      this.limits = spec.limits();
      this.execdPort = nextPort.getAndIncrement();
      this.httpPort = nextPort.getAndIncrement();
    }

    void start(Instant now) {
      state = RuntimeSandbox.State.RUNNING;
      startedAt = Optional.of(now);
      List<String> command = spec.entrypoint();
      String first = Objects.requireNonNull(command.getFirst());
      if (first.equals("true")) {
        end(0, false, now);
      } else if (first.startsWith("/no/such/")) {
        end(127, false, now);
      } else if (command.size() == 3 && command.get(1).equals("-c")) {
        runScript(command.get(2), now);
      }
    }

    private void runScript(String script, Instant now) {
      int code = 0;
      for (String part : Arrays.asList(script.split("; ", -1))) {
        Matcher exit = EXIT.matcher(part);
        if (part.startsWith("echo ")) {
          log.add(new LogLine(now, part.substring("echo ".length())));
        } else if (exit.matches()) {
          code = Integer.parseInt(exit.group(1));
        } else {
          return; // something that keeps running
        }
      }
      end(code, false, now);
    }

    void end(int code, boolean oom, Instant now) {
      state = RuntimeSandbox.State.EXITED;
      exitCode = OptionalInt.of(code);
      outOfMemory = oom;
      finishedAt = Optional.of(now);
    }

    RuntimeSandbox view() {
      Map<String, String> labels = new HashMap<>(spec.labels());
      labels.put(Labels.ID, spec.id());
      labels.put(Labels.EXECD_PORT, String.valueOf(execdPort));
      labels.put(Labels.HTTP_PORT, String.valueOf(httpPort));
      return new RuntimeSandbox(
          spec.id(),
          state,
          exitCode,
          outOfMemory,
          "",
          createdAt,
          finishedAt,
          image,
          spec.entrypoint(),
          labels,
          Optional.of(
              new RuntimeSandbox.Container(
                  "c0ffee" + spec.id().replace("-", ""),
                  "sandbox-" + spec.id(),
                  startedAt,
                  health,
                  checks)));
    }
  }
}
