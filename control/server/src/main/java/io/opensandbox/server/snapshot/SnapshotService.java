package io.opensandbox.server.snapshot;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxState;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.sandbox.Captures;
import io.opensandbox.server.sandbox.SandboxRow;
import io.opensandbox.server.sandbox.SandboxService;
import io.opensandbox.server.store.Leases;
import io.opensandbox.server.tracing.Tracing;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The rules of snapshots. A capture runs in the background, two at once; what a crash cut short is
/// settled at the next start.
public final class SnapshotService implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotService.class);
  private static final int WORKERS = 2;
  private static final long STOP_SECONDS = 60;
  // Under the 30 s after which clients give up.
  private static final Duration PATIENCE = Duration.ofSeconds(25);

  private final SnapshotStore store;
  private final SandboxRuntime runtime;
  private final SandboxService sandboxes;
  private final Captures captures;
  private final InstantSource clock;
  private final int quota;
  private final Semaphore workers = new Semaphore(WORKERS, true);
  private final ExecutorService threads;

  /// @param captures tells removals which sandboxes are being captured
  /// @param quota snapshots that may exist at once; 0 means no limit
  /// @param tracing of the requests that snapshots are taken for
  public SnapshotService(
      Snapshots snapshots,
      SandboxRuntime runtime,
      SandboxService sandboxes,
      Captures captures,
      InstantSource clock,
      int quota,
      Tracing tracing) {
    this.store = snapshots.store();
    this.runtime = runtime;
    this.sandboxes = sandboxes;
    this.captures = captures;
    this.clock = clock;
    this.quota = quota;
    this.threads =
        tracing.carrying(
            Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("snapshot-", 0).factory()));
  }

  /// Begins to capture a running sandbox.
  SnapshotRow create(String sandboxId, Optional<String> name, String tenant) {
    SandboxRow sandbox = sandboxes.get(sandboxId, tenant);
    if (sandbox.status().state() != SandboxState.RUNNING) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_INVALID_SOURCE_STATE,
          "cannot take a snapshot of sandbox \""
              + sandboxId
              + "\": it is "
              + sandbox.status().state().wire()
              + ", not Running");
    }
    if (!runtime.capabilities().has(Capabilities.Feature.SNAPSHOT)) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_NOT_IMPLEMENTED, "this runtime does not support snapshots");
    }
    Instant now = now();
    var row =
        new SnapshotRow(
            UUID.randomUUID().toString(),
            sandbox.tenant(),
            sandboxId,
            name,
            Optional.empty(),
            new SnapshotRow.Status(
                SnapshotState.CREATING, "snapshot_accepted", "Snapshot creation accepted.", now),
            now);
    captures.begin(sandboxId);
    try {
      if (!store.insert(row, quota)) {
        throw new SandboxException(
            ErrorCode.SNAPSHOT_QUOTA_EXCEEDED,
            "there are " + quota + " snapshots already (store.max_snapshots); delete one first");
      }
      threads.execute(() -> capture(row));
    } catch (RuntimeException e) {
      captures.end(sandboxId);
      throw e;
    }
    return row;
  }

  /// One snapshot. Throws `SNAPSHOT_NOT_FOUND`.
  SnapshotRow get(String id, String tenant) {
    return store
        .find(id)
        .filter(row -> tenant.isEmpty() || tenant.equals(row.tenant()))
        .orElseThrow(() -> Snapshots.notFound(id));
  }

  /// Every snapshot that matches, newest first.
  ///
  /// @param sandboxId of the source; empty text for any
  /// @param states of which one must match exactly; none for any
  List<SnapshotRow> list(String sandboxId, List<String> states, String tenant) {
    return store.all(tenant).stream()
        .filter(row -> sandboxId.isEmpty() || row.sandboxId().equals(sandboxId))
        .filter(row -> states.isEmpty() || states.contains(row.status().state().wire()))
        .toList();
  }

  /// Removes a snapshot and its image. Repeating it finishes what an earlier call could not.
  void delete(String id, String tenant) {
    if (get(id, tenant).status().state() == SnapshotState.CREATING) {
      throw invalidState(id, "it is being created");
    }
    try {
      if (store.workers().take(id, PATIENCE) == Leases.Outcome.BUSY) {
        throw invalidState(id, "another server is working on it");
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw invalidState(id, "the server is stopping");
    }
    try {
      delete(get(id, tenant));
    } finally {
      store.workers().release(id);
    }
  }

  private void delete(SnapshotRow row) {
    SnapshotState before = row.status().state();
    SnapshotRow deleting =
        row.with(
            new SnapshotRow.Status(
                SnapshotState.DELETING,
                "snapshot_delete_requested",
                "Snapshot deletion requested.",
                now()),
            row.image());
    if (before != SnapshotState.DELETING && !store.replaceIf(before, deleting)) {
      throw invalidState(row.id(), "it was changed meanwhile");
    }
    removeImage(row, before);
    store.delete(row.id());
  }

  private void removeImage(SnapshotRow row, SnapshotState before) {
    try {
      runtime.removeSnapshot(imageOf(row));
    } catch (SandboxException e) {
      if (e.code() == ErrorCode.SNAPSHOT_DELETE_CONFLICT && before != SnapshotState.DELETING) {
        // Nothing was removed, so it stays usable.
        store.replaceIf(SnapshotState.DELETING, row);
      }
      throw e;
    }
  }

  private static SandboxException invalidState(String id, String why) {
    return new SandboxException(
        ErrorCode.SNAPSHOT_INVALID_STATE, "cannot delete snapshot \"" + id + "\": " + why);
  }

  /// Settles what a crash left: captures that were under way, and deletions.
  ///
  /// @param alone whether no other server uses the store, so that nobody else is at work on any
  public void recover(boolean alone) {
    if (alone) {
      store.workers().clear();
    }
    takeOver();
  }

  /// Keeps what this server is working on its own, and takes over what a server that died worked
  /// on. Call it several times in the length of a lease.
  public void beat() {
    store.workers().renewAll();
    takeOver();
  }

  private void takeOver() {
    for (SnapshotRow row : store.abandoned()) {
      try {
        takeOver(row);
      } catch (RuntimeException e) {
        LOG.warn("snapshot {}: cannot be recovered: {}", row.id(), e.getMessage());
      }
    }
  }

  private void takeOver(SnapshotRow row) {
    if (store.workers().take(row.id()) != Leases.Outcome.TAKEN) {
      return; // another server was faster
    }
    try {
      if (row.status().state() == SnapshotState.CREATING) {
        settle(row, recovered(row), Optional.of(imageOf(row)));
      } else {
        runtime.removeSnapshot(imageOf(row));
        store.delete(row.id());
      }
    } finally {
      store.workers().release(row.id());
    }
  }

  private SnapshotRow.Status recovered(SnapshotRow row) {
    try {
      return runtime.isSnapshotPresent(imageOf(row))
          ? status(SnapshotState.READY, "snapshot_recovery_ready", "Snapshot is ready.")
          : status(
              SnapshotState.FAILED,
              "snapshot_recovery_missing_image",
              "The server stopped while the snapshot was taken, and there is no image of it.");
    } catch (RuntimeException e) {
      return status(
          SnapshotState.FAILED,
          "snapshot_recovery_inspect_failed",
          "The snapshot's image cannot be inspected: " + e.getMessage());
    }
  }

  private void capture(SnapshotRow row) {
    workers.acquireUninterruptibly();
    try {
      String image = runtime.snapshot(row.sandboxId(), row.id());
      SnapshotRow.Status status =
          image.isBlank()
              ? status(
                  SnapshotState.FAILED,
                  "snapshot_runtime_missing_image",
                  "The runtime named no image for the snapshot.")
              : status(SnapshotState.READY, "snapshot_runtime_ready", "Snapshot is ready.");
      settle(row, status, Optional.of(image).filter(text -> !text.isBlank()));
    } catch (RuntimeException e) {
      LOG.warn("snapshot {}: cannot be taken: {}", row.id(), e.getMessage(), e);
      String reason = isTimeout(e) ? "snapshot_runtime_timeout" : "snapshot_runtime_failed";
      settle(row, status(SnapshotState.FAILED, reason, describe(e)), Optional.empty());
    } finally {
      workers.release();
      store.workers().release(row.id());
      captures.end(row.sandboxId());
    }
  }

  private static boolean isTimeout(RuntimeException e) {
    return String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("timed out");
  }

  private static String describe(RuntimeException e) {
    return e instanceof SandboxException known
        ? known.code().wire() + ": " + known.getMessage()
        : "The snapshot could not be taken: " + e.getMessage();
  }

  // The record may have gone or changed while the capture ran; then its image is not wanted.
  private void settle(SnapshotRow row, SnapshotRow.Status status, Optional<String> image) {
    boolean ready = status.state() == SnapshotState.READY;
    if (store.replaceIf(
        SnapshotState.CREATING, row.with(status, ready ? image : Optional.empty()))) {
      return;
    }
    Optional<SnapshotRow> found = store.find(row.id());
    if (found.isEmpty() || found.get().status().state() == SnapshotState.DELETING) {
      runtime.removeSnapshot(imageOf(row));
      store.delete(row.id());
    }
  }

  private SnapshotRow.Status status(SnapshotState state, String reason, String message) {
    return new SnapshotRow.Status(state, reason, message, now());
  }

  private static String imageOf(SnapshotRow row) {
    return row.image().orElse(Snapshots.IMAGES + row.id());
  }

  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  /// Lets other servers settle at once what this one has not finished. Call it after [#close].
  public void handBack() {
    if (threads.isTerminated()) {
      store.workers().releaseAll();
    }
  }

  @Override
  public void close() {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("stopping while snapshots are being taken; they are settled at the next start");
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    threads.shutdownNow();
  }
}
