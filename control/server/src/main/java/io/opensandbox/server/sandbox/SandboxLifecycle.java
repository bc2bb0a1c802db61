package io.opensandbox.server.sandbox;

import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.store.Database;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/// Everything that keeps sandboxes alive and lets them go, wired.
public final class SandboxLifecycle implements AutoCloseable {
  private static final long STOP_SECONDS = 10;

  private final Captures captures = new Captures();
  private final SandboxStore store;
  private final Provisioner provisioner;
  private final SandboxService service;
  private final Reconciler reconciler;
  private final Expiry expiry;
  private final ExecutorService threads;

  /// @param createWait how long a create waits for a pull
  /// @param failureTtl how long a sandbox that failed in the background is shown
  public SandboxLifecycle(
      SandboxRuntime runtime,
      Database database,
      CreateRules rules,
      SnapshotImages snapshots,
      InstantSource clock,
      Duration createWait,
      Duration failureTtl) {
    this.threads =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("lifecycle-", 0).factory());
    this.store = new SandboxStore(database);
    var labels = new SandboxLabels(database.location());
    this.provisioner = new Provisioner(runtime, store, labels, clock, failureTtl, threads);
    var parts = new SandboxParts(runtime, store, labels, new SandboxLocks(), provisioner, clock);
    var removal = new Removal(runtime, store, provisioner, captures, clock);
    var parser = new CreateRequestParser(rules);
    this.expiry = new Expiry(parts, removal, threads);
    this.reconciler = new Reconciler(parts, parser, removal, threads);
    this.service = new SandboxService(parts, removal, expiry, parser, snapshots, createWait);
  }

  /// The rules, for routes.
  public SandboxService service() {
    return service;
  }

  /// Which sandboxes are being captured.
  public Captures captures() {
    return captures;
  }

  /// How many sandboxes are in each state, by the state's text.
  public Map<String, Integer> countByState() {
    return store.countByState();
  }

  /// Begins to follow the runtime and to remove what expires.
  public void start() {
    reconciler.start();
    expiry.start();
  }

  /// Compares everything in the store with everything in the runtime, once.
  public void resync() {
    reconciler.resyncAll();
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
