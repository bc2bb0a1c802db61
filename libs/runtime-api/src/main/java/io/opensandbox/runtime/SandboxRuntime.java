package io.opensandbox.runtime;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// Runs sandboxes. See the package for what it is responsible for and what it is not.
///
/// Sandboxes are addressed by the server's id (UUID text). All calls that take an id of a sandbox
/// that is not there throw `SANDBOX_NOT_FOUND`, except [#find] and [#remove].
public interface SandboxRuntime extends AutoCloseable {
  /// Short name as in `runtime.type`: `docker`, `local`.
  String name();

  /// What this runtime can do on this host, fixed for its life.
  Capabilities capabilities();

  /// Makes sure that `request` is on the host, pulling it when it is not. Concurrent calls for one
  /// image share the work. Returns at once when it is present.
  ///
  /// Throws `IMAGE_PULL_FAILED` with the registry's words.
  ///
  /// @param progress told now and then what is going on, for people
  PreparedImage prepareImage(ImageRequest request, ProgressListener progress);

  /// Whether [#prepareImage] would return without pulling anything.
  boolean isImagePresent(ImageRequest request);

  /// Refuses a specification that [#create] would refuse for what it asks, making nothing: volumes
  /// that are not allowed or not there, a platform or network that this host does not have. Cheap
  /// enough for every request, so that a bad one is answered before its image is pulled.
  void check(SandboxSpec spec);

  /// Makes the sandbox with execd and bootstrap in place, not started. Either it exists completely
  /// afterwards or nothing is left. Calling it again for an id that exists returns what exists.
  RuntimeSandbox create(SandboxSpec spec, PreparedImage image);

  /// Starts a created sandbox and returns when its processes run. Starting a running one is a
  /// no-op.
  RuntimeSandbox start(String id);

  /// What the runtime knows of one sandbox now, or empty.
  Optional<RuntimeSandbox> find(String id);

  /// Every sandbox of this server's making, in any state, in one sweep; ones that vanish meanwhile
  /// are left out.
  List<RuntimeSandbox> list();

  /// Freezes all processes; returns when frozen. `SANDBOX_NOT_RUNNING` when not running or already
  /// paused.
  void pause(String id);

  /// Thaws; returns when running. `SANDBOX_NOT_PAUSED` when not paused.
  void resume(String id);

  /// Kills and removes the sandbox with everything made for it (anonymous volumes, sidecars,
  /// managed volumes, mounts, networks). Converges: absent is success, repeating finishes what an
  /// earlier call could not.
  ///
  /// @param grace how long its first process may take to end after TERM; zero kills at once
  void remove(String id, Duration grace);

  /// Captures the file system of a running or paused sandbox as an image for [#prepareImage].
  /// Carries none of the source's labels. Repeating it for the same snapshot id is a no-op.
  ///
  /// @return the image reference to restore from
  String snapshot(String id, String snapshotId);

  /// Whether the image of a snapshot is there.
  boolean isSnapshotPresent(String imageReference);

  /// Removes a snapshot's image; absent is success; `SNAPSHOT_DELETE_CONFLICT` when a sandbox uses
  /// it (nothing is changed then).
  void removeSnapshot(String imageReference);

  /// Captures the files of a running or paused sandbox once, for any number of copies; a running
  /// one is frozen for that moment. `API_NOT_SUPPORTED` without [Capabilities.Feature#FORK].
  default ForkPoint fork(String id) {
    throw new SandboxException(
        ErrorCode.API_NOT_SUPPORTED,
        "cannot fork sandbox \"" + id + "\": the runtime " + name() + " has no copies");
  }

  /// Where clients reach a port of the sandbox, from what was decided at create; the sandbox need
  /// not be running. `ENDPOINT_UNAVAILABLE` when nothing is published.
  ///
  /// @param port 1 to 65535
  PortAddress publicAddress(String id, int port);

  /// Where the server itself reaches a port of the sandbox, for its proxy.
  PortAddress internalAddress(String id, int port);

  /// The sandbox's stdout and stderr.
  ///
  /// @param tail last lines to return, 1 or more
  /// @param since only what is newer than this long ago; empty for everything
  /// @param timestamps prefix each line with its RFC 3339 time
  String logs(String id, int tail, Optional<Duration> since, boolean timestamps);

  /// Current use of resources of a running sandbox.
  SandboxStats stats(String id);

  /// The runtime's own description for people (`diagnostics/inspect`), secrets masked.
  String describe(String id);

  /// Changes limits of a running sandbox (the start-up boost ends through this).
  void updateLimits(String id, ResourceLimits limits);

  /// Calls `listener` on a thread of the runtime whenever a sandbox may have changed, until the
  /// subscription is closed. Events may be lost while the engine is away; the listener gets
  /// [RuntimeEvent.Resync] after that.
  Subscription subscribe(EventListener listener);

  /// Removes what crashed creates and removals of this server left behind: temporary containers,
  /// sidecars without sandbox, managed volumes without owner. Never touches a live sandbox.
  ///
  /// @return how many things were removed
  int sweep();

  /// Whether the engine answers; a message for people when it does not.
  Optional<String> unhealthyReason();

  @Override
  void close();

  /// Receives progress of a pull.
  @FunctionalInterface
  interface ProgressListener {
    /// Tells what is going on.
    ///
    /// @param message one line for `status.message`
    void progress(String message);
  }

  /// Receives events; must return quickly.
  @FunctionalInterface
  interface EventListener {
    /// Tells that something may have changed.
    ///
    /// @param event what may have changed
    void event(RuntimeEvent event);
  }

  /// Ends the events when closed.
  interface Subscription extends AutoCloseable {
    @Override
    void close();
  }
}
