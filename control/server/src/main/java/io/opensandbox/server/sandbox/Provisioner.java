package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxState;
import io.opensandbox.runtime.ForkPoint;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Makes sandboxes whose rows say that they are wanted, each on a virtual thread of its own.
final class Provisioner {
  private static final Logger LOG = LoggerFactory.getLogger(Provisioner.class);
  private static final Duration PROGRESS_INTERVAL = Duration.ofSeconds(1);

  private final SandboxRuntime runtime;
  private final SandboxStore store;
  private final SandboxLabels labels;
  private final InstantSource clock;
  private final Duration failureTtl;
  private final SandboxExecd execd;
  private final ExecutorService threads;
  private volatile boolean stopping;
  private volatile Consumer<String> ended = _ -> {};
  private final Map<String, Provisioning> active = new ConcurrentHashMap<>();

  /// @param failureTtl how long the row of one that failed in the background is kept
  Provisioner(
      SandboxRuntime runtime,
      SandboxStore store,
      SandboxLabels labels,
      InstantSource clock,
      Duration failureTtl,
      SandboxExecd execd,
      ExecutorService threads) {
    this.runtime = runtime;
    this.store = store;
    this.labels = labels;
    this.clock = clock;
    this.failureTtl = failureTtl;
    this.execd = execd;
    this.threads = threads;
  }

  /// Names who looks at a sandbox that is no longer being made or held: what the runtime told of it
  /// until then, its end perhaps, was nobody's to see to.
  void onEnded(Consumer<String> listener) {
    ended = listener;
  }

  /// Begins to make the sandbox of a row that is in the store with [Intent#CREATE] and that this
  /// server has a lease on.
  Provisioning start(SandboxRow row, CreateRequest request) {
    return start(row, provisioning -> make(row, request, provisioning));
  }

  /// Begins to make a copy of a sandbox, for a row like that of any other create.
  ///
  /// @param source gives what was captured, or throws why it could not be
  Provisioning startCopy(SandboxRow row, Supplier<ForkPoint> source) {
    return start(
        row,
        provisioning -> {
          ForkPoint captured = source.get();
          provisioning.imageIsReady();
          captured.copy(row.id(), labels.of(row, Optional.empty()));
          runtime.start(row.id());
          conclude(row, Intent.KEEP);
        });
  }

  private Provisioning start(SandboxRow row, Consumer<Provisioning> work) {
    var provisioning = new Provisioning(row.acknowledged());
    if (active.putIfAbsent(row.id(), provisioning) != null) {
      throw new IllegalStateException("sandbox " + row.id() + " is being made already");
    }
    threads.execute(() -> run(row, work, provisioning));
    return provisioning;
  }

  /// Keeps everybody else in this process from a sandbox that is being handed over, as if it were
  /// being made. Empty when somebody is at it already.
  Optional<Provisioning> hold(String id) {
    var hold = new Provisioning(false);
    return active.putIfAbsent(id, hold) == null ? Optional.of(hold) : Optional.empty();
  }

  /// Ends a hold.
  void release(String id, Provisioning hold) {
    hold.conclude(Optional.empty());
    active.remove(id, hold);
    hold.finished();
    ended.accept(id);
  }

  /// Says that the server is stopping: what is interrupted now and was promised to a client is gone
  /// on with at the next start.
  void stop() {
    stopping = true;
  }

  /// Stops the creates of sandboxes that another server was told to delete.
  void cancelUnwanted() {
    store.unwanted().forEach(this::cancel);
  }

  private void cancel(String id) {
    Provisioning provisioning = active.get(id);
    if (provisioning != null) {
      provisioning.cancel();
    }
  }

  /// The create under way for `id`, in this process.
  @Nullable Provisioning active(String id) {
    return active.get(id);
  }

  private void run(SandboxRow row, Consumer<Provisioning> work, Provisioning provisioning) {
    try {
      if (!provisioning.begin(Thread.currentThread())) {
        throw deleted(row.id());
      }
      work.accept(provisioning);
      provisioning.conclude(Optional.empty());
    } catch (RuntimeException e) {
      failed(row, provisioning, typed(row, e));
    } finally {
      active.remove(row.id());
      provisioning.finished();
      ended.accept(row.id());
    }
  }

  private void make(SandboxRow row, CreateRequest request, Provisioning provisioning) {
    SandboxRow.Definition definition = row.definition();
    ImageRequest imageRequest =
        request
            .image()
            .orElse(new ImageRequest(definition.image(), Optional.empty(), definition.platform()));
    PreparedImage image = runtime.prepareImage(imageRequest, progress(row));
    provisioning.imageIsReady();
    if (provisioning.isCancelled()) {
      throw deleted(row.id());
    }
    runtime.create(spec(row, request), image);
    runtime.start(row.id());
    Intent next = Intent.KEEP;
    if (row.intent() == Intent.FILL) {
      Optional<String> token = Optional.ofNullable(request.env().get("EXECD_ACCESS_TOKEN"));
      execd.warmUp(row.id(), definition.image(), token);
      next = Intent.WARM;
    }
    conclude(row, next);
  }

  private void conclude(SandboxRow row, Intent next) {
    Status running =
        new Status(
            SandboxState.RUNNING,
            "CONTAINER_RUNNING",
            "Sandbox container is running.",
            row.acknowledged() ? clock.instant() : row.createdAt());
    if (!store.finishCreate(row.id(), next, running)) {
      throw deleted(row.id());
    }
  }

  /// What the runtime is told to make.
  SandboxSpec spec(SandboxRow row, CreateRequest request) {
    SandboxRow.Definition definition = row.definition();
    return new SandboxSpec(
        row.id(),
        definition.entrypoint(),
        request.env(),
        request.limits(),
        request.volumes(),
        labels.of(row, request.poolRef()),
        definition.platform());
  }

  private SandboxRuntime.ProgressListener progress(SandboxRow row) {
    return new SandboxRuntime.ProgressListener() {
      // Guarded by this.
      private Instant next = Instant.EPOCH;

      @Override
      public synchronized void progress(String message) {
        Instant now = clock.instant();
        if (!now.isBefore(next)) {
          next = now.plus(PROGRESS_INTERVAL);
          boolean wanted =
              store.updateStatus(
                  row.id(),
                  row.intent(),
                  new Status(SandboxState.PENDING, "IMAGE_PULLING", message, row.createdAt()));
          if (!wanted) {
            cancel(row.id());
          }
        }
      }
    };
  }

  private void failed(SandboxRow row, Provisioning provisioning, SandboxException error) {
    boolean acknowledged = provisioning.conclude(Optional.of(error));
    // Cancelling interrupts; what follows must not be cut short by that.
    boolean _ = Thread.interrupted();
    if (stopping && acknowledged) {
      return;
    }
    // When the lease ran out, whoever took it over decides what becomes of the sandbox.
    if (!store.makers().isMine(row.id()) && store.find(row.id()).isPresent()) {
      LOG.warn("sandbox {}: another server has taken its create over", row.id());
      return;
    }
    try {
      runtime.remove(row.id(), Duration.ZERO);
    } catch (RuntimeException e) {
      LOG.warn("sandbox {}: cannot clean up after a failed create, will retry", row.id(), e);
      store.markForRemoval(row.id(), Intent.FORGET, Status.stopping(clock.instant()));
      store.makers().release(row.id());
      return;
    }
    Instant now = clock.instant();
    boolean kept =
        acknowledged
            && store.failCreate(
                row.id(),
                Status.provisioningFailed(String.valueOf(error.getMessage()), now),
                now.plus(failureTtl));
    if (kept) {
      LOG.warn("sandbox {}: cannot be made: {}", row.id(), error.getMessage(), error.getCause());
    } else {
      store.delete(row.id());
    }
  }

  private static SandboxException typed(SandboxRow row, RuntimeException e) {
    if (e instanceof SandboxException known) {
      return known;
    }
    return new SandboxException(
        ErrorCode.START_FAILED, "cannot make sandbox \"" + row.id() + "\": " + e.getMessage(), e);
  }

  private static SandboxException deleted(String id) {
    return new SandboxException(
        ErrorCode.SANDBOX_NOT_FOUND, "sandbox \"" + id + "\" was deleted while it was being made");
  }
}
