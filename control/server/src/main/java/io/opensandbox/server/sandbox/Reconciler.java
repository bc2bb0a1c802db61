package io.opensandbox.server.sandbox;

import io.opensandbox.runtime.RuntimeEvent;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import io.opensandbox.server.store.Leases;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Brings rows and runtime together. Level-triggered: an event only says where to look; what is
/// done depends on the row and on what the runtime reports at that moment.
public final class Reconciler implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);
  private static final Duration RESYNC = Duration.ofSeconds(30);
  private static final Duration KEY_LIFE = Duration.ofDays(1);
  private static final int AT_ONCE = 8;
  private static final int RESYNCS_PER_SWEEP = 10;

  private final SandboxRuntime runtime;
  private final SandboxStore store;
  private final SandboxLabels labels;
  private final SandboxLocks locks;
  private final Provisioner provisioner;
  private final Removal removal;
  private final CreateRequestParser parser;
  private final InstantSource clock;
  private final ExecutorService threads;
  private final Semaphore slots = new Semaphore(AT_ONCE);
  private final Semaphore wakeUps = new Semaphore(0);
  // Guarded by itself.
  private final Set<String> dirty = new LinkedHashSet<>();
  private final AtomicBoolean resync = new AtomicBoolean();
  // Only the loop's thread uses it.
  private int resyncs;
  private volatile boolean closed;
  private volatile Runnable membersChanged = () -> {};

  Reconciler(
      SandboxParts parts, CreateRequestParser parser, Removal removal, ExecutorService threads) {
    this.runtime = parts.runtime();
    this.store = parts.store();
    this.labels = parts.labels();
    this.locks = parts.locks();
    this.provisioner = parts.provisioner();
    this.clock = parts.clock();
    this.parser = parser;
    this.removal = removal;
    this.threads = threads;
  }

  /// Names who is told when members of pools came, went or died.
  void onMembers(Runnable listener) {
    membersChanged = listener;
  }

  /// Listens to the runtime, and looks at everything now and then, until closed.
  public void start() {
    SandboxRuntime.Subscription subscription = runtime.subscribe(this::event);
    threads.execute(() -> {
      try (subscription) {
        loop();
      }
    });
  }

  @Override
  public void close() {
    closed = true;
    wakeUps.release();
  }

  /// Says that a sandbox may need work.
  void wake(String id) {
    synchronized (dirty) {
      dirty.add(id);
    }
    wakeUps.release();
  }

  /// Looks at what is half done and on which no server works, because the one that did died.
  void takeOver() {
    store.abandoned().forEach(this::wake);
  }

  private void event(RuntimeEvent event) {
    switch (event) {
      case RuntimeEvent.Changed changed -> wake(changed.sandboxId());
      case RuntimeEvent.Resync _ -> {
        resync.set(true);
        wakeUps.release();
      }
    }
  }

  private void loop() {
    try {
      sweep();
      while (!closed) {
        boolean woken = wakeUps.tryAcquire(RESYNC.toMillis(), TimeUnit.MILLISECONDS);
        wakeUps.drainPermits();
        if (closed) {
          return;
        }
        if (resync.getAndSet(false) || !woken) {
          resyncAll();
          sweepNowAndThen();
        }
        takeDirty().forEach(this::reconcileLater);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void sweepNowAndThen() {
    resyncs++;
    if (resyncs % RESYNCS_PER_SWEEP == 0) {
      sweep();
    }
  }

  // What belongs to no sandbox any more, such as a volume that was in use when its owner went.
  private void sweep() {
    try {
      int removed = runtime.sweep();
      if (removed > 0) {
        LOG.info("removed {} things that belonged to no sandbox", removed);
      }
    } catch (RuntimeException e) {
      LOG.warn("cannot sweep the runtime, will retry: {}", e.getMessage());
    }
  }

  private List<String> takeDirty() {
    synchronized (dirty) {
      List<String> ids = List.copyOf(dirty);
      dirty.clear();
      return ids;
    }
  }

  private void reconcileLater(String id) {
    slots.acquireUninterruptibly();
    threads.execute(() -> {
      try {
        reconcile(id);
      } finally {
        slots.release();
      }
    });
  }

  /// Looks at every sandbox that the store or the runtime knows. Blocks until all are done.
  public void resyncAll() {
    try {
      Set<String> ids = new HashSet<>();
      for (SandboxRow row : store.all()) {
        ids.add(row.id());
      }
      for (RuntimeSandbox seen : runtime.list()) {
        Optional<SandboxRow> row = store.find(seen.id());
        boolean settled =
            row.isPresent()
                && (row.get().intent() == Intent.KEEP || row.get().intent() == Intent.WARM)
                && Observed.status(seen, row.get().status(), clock.instant())
                    .saysSameAs(row.get().status());
        if (settled) {
          ids.remove(seen.id());
        } else {
          ids.add(seen.id());
        }
      }
      ids.forEach(this::reconcile);
      store.forgetKeys(clock.instant().minus(KEY_LIFE));
    } catch (RuntimeException e) {
      LOG.warn("cannot compare the store with the runtime, will retry: {}", e.getMessage());
    }
  }

  /// Does what one sandbox needs now, unless another server is at it. A failure is logged; the next
  /// resync tries again.
  void reconcile(String id) {
    try {
      if (provisioner.active(id) == null && !isSettled(id)) {
        locks.unlessTaken(id, () -> act(id));
      }
    } catch (RuntimeException e) {
      LOG.warn("sandbox {}: cannot be brought in line, will retry: {}", id, e.getMessage());
    }
  }

  // Most events tell what is known already; those need no lease.
  private boolean isSettled(String id) {
    Optional<SandboxRow> row = store.find(id);
    Optional<RuntimeSandbox> seen = runtime.find(id);
    if (row.isEmpty()) {
      return seen.isEmpty();
    }
    return (row.get().intent() == Intent.KEEP || row.get().intent() == Intent.WARM)
        && seen.isPresent()
        && Observed.status(seen.get(), row.get().status(), clock.instant())
            .equals(row.get().status());
  }

  private void act(String id) {
    if (provisioner.active(id) != null) {
      return;
    }
    Optional<SandboxRow> found = store.find(id);
    if (found.isEmpty()) {
      runtime.find(id).ifPresent(this::adopt);
      return;
    }
    SandboxRow row = found.get();
    switch (row.intent()) {
      case CREATE -> continueCreate(id);
      case KEEP -> follow(row);
      case FILL -> abandonMember(row);
      case WARM -> followMember(row);
      case KEEP_FAILED -> runtime.remove(id, Duration.ZERO);
      case REMOVE, FORGET -> {
        // The server that was making it cleans up itself.
        if (!store.makers().isOthers(id)) {
          removal.finish(id);
        }
      }
    }
  }

  private void adopt(RuntimeSandbox seen) {
    if (labels.areOurs(seen.labels())) {
      LOG.info("sandbox {}: is in the runtime but not in the store; adopting it", seen.id());
      store.adopt(labels.rebuild(seen));
    }
  }

  private void continueCreate(String id) {
    if (store.makers().take(id) != Leases.Outcome.TAKEN) {
      return; // another server is making it
    }
    // It may have been finished just before the lease was free.
    Optional<SandboxRow> row = store.find(id).filter(found -> found.intent() == Intent.CREATE);
    if (row.isPresent()) {
      continueCreate(row.get());
    } else {
      store.makers().release(id);
    }
  }

  private void continueCreate(SandboxRow row) {
    Optional<String> json = store.requestJson(row.id());
    if (!row.acknowledged() || json.isEmpty()) {
      LOG.info("sandbox {}: its create was cut short; removing it", row.id());
      removal.remove(row);
      return;
    }
    LOG.info("sandbox {}: its create was cut short; going on", row.id());
    if (JsonParser.parse(json.get()) instanceof Json.Obj body) {
      provisioner.start(row, parser.parse(body, row.createdAt()));
    }
  }

  private void abandonMember(SandboxRow row) {
    if (store.makers().take(row.id()) != Leases.Outcome.TAKEN) {
      return; // another server is making it
    }
    // It may have been finished just before the lease was free.
    if (store.find(row.id()).filter(found -> found.intent() == Intent.FILL).isEmpty()) {
      store.makers().release(row.id());
      return;
    }
    LOG.info("sandbox {}: the making of this pool member was cut short; removing it", row.id());
    removal.removeMember(row);
    membersChanged.run();
  }

  private void followMember(SandboxRow row) {
    Optional<RuntimeSandbox> seen = runtime.find(row.id());
    if (seen.isEmpty()) {
      LOG.info("sandbox {}: this pool member is gone from the runtime", row.id());
      removal.removeMember(row);
    } else {
      Status status = Observed.status(seen.get(), row.status(), clock.instant());
      store.updateStatus(row.id(), Intent.WARM, status);
    }
    membersChanged.run();
  }

  private void follow(SandboxRow row) {
    Instant now = clock.instant();
    Optional<RuntimeSandbox> seen = runtime.find(row.id());
    if (seen.isEmpty()) {
      LOG.info("sandbox {}: is gone from the runtime; removing what is left", row.id());
      removal.remove(row);
      return;
    }
    Status status = Observed.status(seen.get(), row.status(), now);
    if (!status.equals(row.status()) && row.status().state().mayBecome(status.state())) {
      store.updateStatus(row.id(), Intent.KEEP, status);
    }
  }
}
