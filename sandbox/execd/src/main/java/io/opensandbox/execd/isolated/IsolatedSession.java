package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.session.ShellState;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/// A session: its namespace, its files, what its shell remembers, and when it was used last.
final class IsolatedSession {
  private static final int MAX_BACKGROUND_RUNS = 1024;
  private static final int REMOVAL_ATTEMPTS = 100;

  private final String id;
  private final IsolationRequest request;
  private final Instant createdAt;
  private final Files files;
  private final Namespace namespace;

  /// Held during a run; runs wait for each other in the order in which they came.
  private final ReentrantLock turn = new ReentrantLock(true);

  /// Runs, diff and file operations share it; commit and removal have it alone.
  private final ReadWriteLock using = new ReentrantReadWriteLock();

  /// Guarded by this, like all that follows.
  private final Map<String, BackgroundRun> background = new LinkedHashMap<>();

  private @Nullable ShellState state;
  private @Nullable Instant lastRunAt;
  private Instant usedAt;
  private int running;

  /// What there is of files.
  ///
  /// @param folder the session's own, removed with it
  /// @param reading the file routes for all its directories
  /// @param writing the file routes for those that may be written
  record Files(Path folder, List<Mounted> mounts, Router reading, Router writing) {
    Files {
      mounts = List.copyOf(mounts);
    }
  }

  IsolatedSession(
      String id, IsolationRequest request, Instant createdAt, Files files, Namespace namespace) {
    this.id = id;
    this.request = request;
    this.createdAt = createdAt;
    this.files = files;
    this.namespace = namespace;
    this.usedAt = createdAt;
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

  Files files() {
    return files;
  }

  Namespace namespace() {
    return namespace;
  }

  ReentrantLock turn() {
    return turn;
  }

  ReadWriteLock using() {
    return using;
  }

  /// The directories that are copies.
  List<Mounted> copies() {
    return files.mounts().stream().filter(mount -> mount.copy() != null).toList();
  }

  /// Where a background run writes.
  Path logOf(String runId) {
    return files.folder().resolve("run-" + runId);
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

  /// Kills everything in the session and removes its files.
  void destroy() throws IOException {
    namespace.close();
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
        FileTree.delete(files.folder());
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
