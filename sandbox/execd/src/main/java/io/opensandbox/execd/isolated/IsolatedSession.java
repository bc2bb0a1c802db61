package io.opensandbox.execd.isolated;

import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.session.ShellState;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/// A session: its namespace, its files, what its shell remembers, and when it was used last. After
/// its end, a session whose changes are kept can still be asked for them.
final class IsolatedSession {
  private static final int MAX_BACKGROUND_RUNS = 1024;
  private static final int REMOVAL_ATTEMPTS = 100;

  private final String id;
  private final IsolationRequest request;
  private final Instant createdAt;
  private final Path folder;
  private final Opener opener;

  /// Held during a run; runs wait for each other in the order in which they came.
  private final ReentrantLock turn = new ReentrantLock(true);

  /// Runs, diff and file operations share it; commit and removal have it alone.
  private final ReadWriteLock using = new ReentrantReadWriteLock();

  /// Guarded by this, like all that follows.
  private final Map<String, BackgroundRun> background = new LinkedHashMap<>();

  private Opened opened;
  private @Nullable Instant keptUntil;
  private @Nullable ShellState state;
  private @Nullable Instant lastRunAt;
  private Instant usedAt;
  private int running;

  /// What a session is as long as it lives, until it is reset.
  ///
  /// @param files the file routes for its directories, by how they use paths
  record Opened(Namespace namespace, List<Mounted> mounts, Map<SessionFiles.Use, Router> files) {
    Opened {
      mounts = List.copyOf(mounts);
      files = Map.copyOf(files);
    }
  }

  /// Makes a session's namespace.
  interface Opener {
    /// A new namespace, with overlays that have no changes.
    Opened open() throws IOException;
  }

  /// Opens a session.
  ///
  /// @param folder the session's own, removed with it
  IsolatedSession(
      String id, IsolationRequest request, Instant createdAt, Path folder, Opener opener)
      throws IOException {
    this.id = id;
    this.request = request;
    this.createdAt = createdAt;
    this.folder = folder;
    this.opener = opener;
    this.usedAt = createdAt;
    this.opened = opener.open();
  }

  String id() {
    return id;
  }

  IsolationRequest request() {
    return request;
  }

  Instant createdAt() {
    return createdAt;
  }

  /// The file routes for a use of paths.
  ///
  /// @throws ExecdException `CONFLICT` when the session has ended and its view with it
  Router files(SessionFiles.Use use) {
    Opened now = opened();
    if (!now.namespace().isAlive() && !overlays().isEmpty()) {
      throw ended();
    }
    return Objects.requireNonNull(now.files().get(use));
  }

  Namespace namespace() {
    return opened().namespace();
  }

  private synchronized Opened opened() {
    return opened;
  }

  /// The error for whatever needs a living session.
  ExecdException ended() {
    return new ExecdException(
        ErrorCode.CONFLICT, "isolated session " + id + " has ended; delete it");
  }

  ReentrantLock turn() {
    return turn;
  }

  ReadWriteLock using() {
    return using;
  }

  /// The directories of which it has a view of its own.
  List<Mounted> overlays() {
    return opened().mounts().stream().filter(mount -> mount.overlay() != null).toList();
  }

  /// Whether what it has changed, and some bytes more, exceeds what it may.
  boolean exceedsLimit(long moreBytes) throws IOException {
    for (Mounted mount : opened().mounts()) {
      Overlay overlay = mount.overlay();
      if (overlay != null && overlay.exceeds(moreBytes)) {
        return true;
      }
    }
    return false;
  }

  /// Where a background run writes.
  Path logOf(String runId) {
    return folder.resolve("run-" + runId);
  }

  /// Whether a background run has not ended.
  synchronized boolean runsInBackground() {
    return background.values().stream().anyMatch(run -> run.finishedAt() == null);
  }

  /// Ends everything in the session and forgets what it has changed. Call with [#using]'s write
  /// lock held.
  void reset() throws IOException {
    namespace().close();
    Opened next = opener.open();
    synchronized (this) {
      opened = next;
    }
  }

  synchronized @Nullable ShellState state() {
    return state;
  }

  synchronized void remember(ShellState next) {
    state = next;
  }

  synchronized int stateBytes() {
    return state == null ? 0 : state.size();
  }

  synchronized Instant lastRunAt() {
    return lastRunAt == null ? createdAt : lastRunAt;
  }

  /// Whether it has ended and only its changes are kept.
  synchronized boolean isDestroyed() {
    return keptUntil != null;
  }

  /// The time until the session, or what is kept of it, goes; empty for never.
  synchronized Optional<Duration> timeLeft(Instant now) {
    return keptUntil == null ? idleRemaining(now) : Optional.of(Duration.between(now, keptUntil));
  }

  /// The time until the session is removed for idleness; empty for never.
  synchronized Optional<Duration> idleRemaining(Instant now) {
    if (request.idle().isZero()) {
      return Optional.empty();
    }
    if (running > 0) {
      return Optional.of(request.idle());
    }
    return Optional.of(request.idle().minus(Duration.between(usedAt, now)));
  }

  /// Notes the beginning of a run.
  synchronized void begin(Instant now) {
    running++;
    lastRunAt = now;
    usedAt = now;
  }

  /// Notes a run's end.
  synchronized void end(Instant now) {
    running--;
    usedAt = now;
  }

  synchronized void used(Instant now) {
    usedAt = now;
  }

  /// Keeps a background run; the oldest of those that have ended gives way.
  synchronized void add(BackgroundRun run) {
    if (background.size() >= MAX_BACKGROUND_RUNS) {
      background.values().stream()
          .filter(old -> old.finishedAt() != null)
          .findFirst()
          .ifPresent(old -> background.remove(old.id()));
    }
    background.put(run.id(), run);
  }

  synchronized Optional<BackgroundRun> findRun(String runId) {
    return Optional.ofNullable(background.get(runId));
  }

  /// Kills everything in the session, and keeps its changes if that was asked for.
  ///
  /// @return false when nothing is to be kept, or was kept before
  boolean endAndKeep(Instant now) throws IOException {
    Duration retention = Creation.retention(request);
    if (!retention.isPositive() || isDestroyed()) {
      return false;
    }
    namespace().close();
    Instant end = now.plus(retention);
    UpperRoot.retainUntil(folder, end);
    synchronized (this) {
      keptUntil = end;
    }
    return true;
  }

  /// Kills everything in the session and removes its files.
  void destroy() throws IOException {
    namespace().close();
    using.writeLock().lock();
    try {
      removeFolder();
    } finally {
      using.writeLock().unlock();
    }
  }

  /// The kernel reaps a namespace a little after bubblewrap has gone; until then, somebody in it
  /// may still make a file.
  private void removeFolder() throws IOException {
    for (int attempt = 1; ; attempt++) {
      try {
        UpperRoot.delete(folder);
        return;
      } catch (DirectoryNotEmptyException e) {
        if (attempt == REMOVAL_ATTEMPTS) {
          throw e;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
    }
  }
}
