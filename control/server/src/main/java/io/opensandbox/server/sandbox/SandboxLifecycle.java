package io.opensandbox.server.sandbox;

import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.store.Store;
import io.opensandbox.server.tracing.Tracing;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/// Everything that keeps sandboxes alive and lets them go, wired.
public final class SandboxLifecycle implements AutoCloseable {
  private static final long STOP_SECONDS = 10;

  private final Captures captures;
  private final SandboxStore store;
  private final boolean shared;
  private final Provisioner provisioner;
  private final SandboxService service;
  private final ForkService forks;
  private final Reconciler reconciler;
  private final Members members;
  private final Expiry expiry;
  private final ExecutorService threads;

  /// @param pools finds the templates of pools
  /// @param createWait how long a create waits for a pull
  /// @param failureTtl how long a sandbox that failed in the background is shown
  /// @param tracing of the requests that sandboxes are made for
  public SandboxLifecycle(
      SandboxRuntime runtime,
      Store store,
      CreateRules rules,
      SnapshotImages snapshots,
      PoolTemplates pools,
      InstantSource clock,
      Duration createWait,
      Duration failureTtl,
      Tracing tracing) {
    this.threads =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("lifecycle-", 0).factory());
    this.store = new SandboxStore(store);
    this.shared = store.database().isShared();
    this.captures = new Captures(snapshots);
    var labels = new SandboxLabels(store.database().location());
    var execd = new SandboxExecd(runtime);
    this.provisioner =
        new Provisioner(
            runtime, this.store, labels, clock, failureTtl, execd, tracing.carrying(threads));
    var locks = new SandboxLocks(this.store.locks());
    var parts = new SandboxParts(runtime, this.store, labels, locks, provisioner, clock);
    var removal = new Removal(parts, captures);
    var parser = new CreateRequestParser(rules);
    this.expiry = new Expiry(parts, removal, threads);
    this.reconciler = new Reconciler(parts, parser, removal, threads);
    var memberStore = new MemberStore(store, this.store);
    this.members = new Members(parts, memberStore, parser, removal, execd);
    reconciler.onMembers(members::changed);
    provisioner.onEnded(reconciler::wake);
    var claims = new Claims(parts, memberStore, execd, reconciler::wake);
    this.service =
        new SandboxService(parts, removal, expiry, parser, snapshots, pools, claims, createWait);
    this.forks = new ForkService(parts, service, expiry, rules);
  }

  /// The rules, for routes.
  public SandboxService service() {
    return service;
  }

  /// Copies of sandboxes, for routes.
  public ForkService forks() {
    return forks;
  }

  /// The members of pools.
  public Members members() {
    return members;
  }

  /// Which sandboxes are being captured.
  public Captures captures() {
    return captures;
  }

  /// How many sandboxes are in each state, by the state's text.
  public Map<String, Integer> countByState() {
    return store.countByState();
  }

  /// Keeps what this server is working on its own, and takes over what a server that died worked
  /// on. Call it several times in the length of a lease.
  public void beat() {
    store.makers().renewAll();
    store.locks().renewAll();
    provisioner.cancelUnwanted();
    reconciler.takeOver();
  }

  /// Begins to follow the runtime and to remove what expires.
  public void start() {
    reconciler.start();
    expiry.start();
  }

  /// Compares everything in the store with everything in the runtime, once.
  public void resync() {
    if (!shared) {
      // Nobody else uses this store, so whatever had a lease is gone.
      store.makers().clear();
      store.locks().clear();
    }
    reconciler.resyncAll();
  }

  /// Lets other servers go on at once with what this one has not finished. Call it after [#close].
  public void handBack() {
    if (threads.isTerminated()) {
      store.makers().releaseAll();
      store.locks().releaseAll();
    }
  }

  @Override
  public void close() {
    expiry.close();
    reconciler.close();
    provisioner.stop();
    threads.shutdownNow();
    try {
      boolean _ = threads.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }
}
