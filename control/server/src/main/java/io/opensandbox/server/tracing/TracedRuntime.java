package io.opensandbox.server.tracing;

import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.ForkPoint;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.SandboxStats;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// A runtime whose calls are parts of the requests that they are for.
public final class TracedRuntime implements SandboxRuntime {
  /// Attribute with a sandbox's id.
  public static final String SANDBOX_ID = "opensandbox.sandbox.id";

  private static final String IMAGE = "opensandbox.image";
  private static final String SNAPSHOT_ID = "opensandbox.snapshot.id";

  private final SandboxRuntime runtime;
  private final Tracing tracing;

  /// @param runtime does the work; closed with this one
  public TracedRuntime(SandboxRuntime runtime, Tracing tracing) {
    this.runtime = runtime;
    this.tracing = tracing;
  }

  @Override
  public String name() {
    return runtime.name();
  }

  @Override
  public Capabilities capabilities() {
    return runtime.capabilities();
  }

  @Override
  public PreparedImage prepareImage(ImageRequest request, ProgressListener progress) {
    return part(
        "prepare image", IMAGE, request.reference(), () -> runtime.prepareImage(request, progress));
  }

  @Override
  public boolean isImagePresent(ImageRequest request) {
    return part("find image", IMAGE, request.reference(), () -> runtime.isImagePresent(request));
  }

  @Override
  public void check(SandboxSpec spec) {
    run("check", SANDBOX_ID, spec.id(), () -> runtime.check(spec));
  }

  @Override
  public RuntimeSandbox create(SandboxSpec spec, PreparedImage image) {
    return part("create", SANDBOX_ID, spec.id(), () -> runtime.create(spec, image));
  }

  @Override
  public RuntimeSandbox start(String id) {
    return part("start", SANDBOX_ID, id, () -> runtime.start(id));
  }

  @Override
  public Optional<RuntimeSandbox> find(String id) {
    return part("find", SANDBOX_ID, id, () -> runtime.find(id));
  }

  @Override
  public List<RuntimeSandbox> list() {
    return part("list", "", "", runtime::list);
  }

  @Override
  public void pause(String id) {
    run("pause", SANDBOX_ID, id, () -> runtime.pause(id));
  }

  @Override
  public void resume(String id) {
    run("resume", SANDBOX_ID, id, () -> runtime.resume(id));
  }

  @Override
  public void remove(String id, Duration grace) {
    run("remove", SANDBOX_ID, id, () -> runtime.remove(id, grace));
  }

  @Override
  public String snapshot(String id, String snapshotId) {
    return part("snapshot", SNAPSHOT_ID, snapshotId, () -> runtime.snapshot(id, snapshotId));
  }

  @Override
  public boolean isSnapshotPresent(String imageReference) {
    return part(
        "find snapshot", IMAGE, imageReference, () -> runtime.isSnapshotPresent(imageReference));
  }

  @Override
  public void removeSnapshot(String imageReference) {
    run("remove snapshot", IMAGE, imageReference, () -> runtime.removeSnapshot(imageReference));
  }

  @Override
  public ForkPoint fork(String id) {
    return part("fork", SANDBOX_ID, id, () -> runtime.fork(id));
  }

  @Override
  public PortAddress publicAddress(String id, int port) {
    return part("public address", SANDBOX_ID, id, () -> runtime.publicAddress(id, port));
  }

  @Override
  public PortAddress internalAddress(String id, int port) {
    return part("internal address", SANDBOX_ID, id, () -> runtime.internalAddress(id, port));
  }

  @Override
  public String logs(String id, int tail, Optional<Duration> since, boolean timestamps) {
    return part("logs", SANDBOX_ID, id, () -> runtime.logs(id, tail, since, timestamps));
  }

  @Override
  public SandboxStats stats(String id) {
    return part("stats", SANDBOX_ID, id, () -> runtime.stats(id));
  }

  @Override
  public String describe(String id) {
    return part("describe", SANDBOX_ID, id, () -> runtime.describe(id));
  }

  @Override
  public void updateLimits(String id, ResourceLimits limits) {
    run("update limits", SANDBOX_ID, id, () -> runtime.updateLimits(id, limits));
  }

  @Override
  public Subscription subscribe(EventListener listener) {
    return runtime.subscribe(listener);
  }

  @Override
  public int sweep() {
    return runtime.sweep();
  }

  @Override
  public Optional<String> unhealthyReason() {
    return runtime.unhealthyReason();
  }

  @Override
  public void close() {
    runtime.close();
  }

  private void run(String call, String key, String subject, Runnable work) {
    boolean _ =
        part(
            call,
            key,
            subject,
            () -> {
              work.run();
              return true;
            });
  }

  private <T> T part(String call, String key, String subject, Supplier<T> work) {
    try (Span span = tracing.remotePart(runtime.name() + " " + call)) {
      if (!key.isEmpty()) {
        span.set(key, subject);
      }
      try (var _ = span.enter()) {
        return work.get();
      } catch (SandboxException e) {
        span.failed(e.code().wire());
        throw e;
      } catch (RuntimeException e) {
        span.failed(e.getClass().getName());
        throw e;
      }
    }
  }
}
