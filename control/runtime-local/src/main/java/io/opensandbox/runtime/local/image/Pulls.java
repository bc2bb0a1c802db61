package io.opensandbox.runtime.local.image;

import io.opensandbox.runtime.SandboxRuntime.ProgressListener;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;

/// The pulls under way. Each has a thread of its own, is shared by everybody who wants the same
/// image, and ends early when the last of them leaves.
final class Pulls implements AutoCloseable {
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  // Guarded by this, and so are the listeners of each.
  private final Map<String, Pull> running = new HashMap<>();

  /// Waits for the pull named `key`, begun unless it runs.
  ///
  /// @param work gets the image; what it tells its listener is told to everybody who waits
  /// @throws ExecutionException with what `work` threw
  /// @throws java.util.concurrent.CancellationException when all pulls were ended
  Image join(
      String key,
      String reference,
      Function<ProgressListener, Image> work,
      ProgressListener progress)
      throws InterruptedException, ExecutionException {
    Pull pull;
    boolean isNew;
    synchronized (this) {
      isNew = !running.containsKey(key);
      pull = running.computeIfAbsent(key, _ -> new Pull(work));
      pull.listeners.add(progress);
    }
    try {
      if (isNew) {
        begin(key, pull);
      }
      progress.progress((isNew ? "pulling " : "waiting for the pull of ") + reference);
      return pull.task.get();
    } finally {
      leave(key, pull, progress);
    }
  }

  private void begin(String key, Pull pull) {
    try {
      threads.execute(() -> {
        pull.task.run();
        forget(key, pull);
      });
    } catch (RejectedExecutionException e) {
      pull.task.cancel(true);
      throw e;
    }
  }

  private synchronized void forget(String key, Pull pull) {
    running.remove(key, pull);
  }

  private synchronized void leave(String key, Pull pull, ProgressListener progress) {
    pull.listeners.remove(progress);
    if (pull.listeners.isEmpty()) {
      running.remove(key, pull);
      pull.task.cancel(true);
    }
  }

  private synchronized List<ProgressListener> listeners(Pull pull) {
    return List.copyOf(pull.listeners);
  }

  /// Runs `work` unless there are pulls; none begins meanwhile, so it must be short.
  synchronized void whenIdle(Runnable work) {
    if (running.isEmpty()) {
      work.run();
    }
  }

  /// Ends all pulls; those who wait are told.
  @Override
  public void close() {
    synchronized (this) {
      running.values().forEach(pull -> pull.task.cancel(true));
    }
    threads.shutdownNow();
    threads.close();
  }

  private final class Pull {
    private final List<ProgressListener> listeners = new ArrayList<>();
    private final FutureTask<Image> task;

    private Pull(Function<ProgressListener, Image> work) {
      this.task = new FutureTask<>(() -> work.apply(this::tell));
    }

    private void tell(String message) {
      listeners(this).forEach(listener -> listener.progress(message));
    }
  }
}
