package io.opensandbox.runtime.local.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/// Tells when bubblewrap notes something about a sandbox: it started or ended. Works for sandboxes
/// that an earlier server started, since it watches their files (inotify), not processes.
public final class ExitWatch implements AutoCloseable {
  private final WatchService service;
  private final Consumer<String> listener;
  private final Map<WatchKey, String> ids = new ConcurrentHashMap<>();

  /// Calls `listener` with the id of a sandbox on a thread of its own.
  public ExitWatch(Consumer<String> listener) {
    this.listener = listener;
    try {
      this.service = FileSystems.getDefault().newWatchService();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot watch files", e);
    }
    Thread.ofPlatform().name("local-exits").daemon().start(this::run);
  }

  /// Begins to watch a sandbox whose notes are in `directory`; ends when the directory goes.
  public void watch(String id, Path directory) {
    try {
      WatchKey key =
          directory.register(
              service, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
      ids.put(key, id);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot watch " + directory, e);
    }
  }

  private void run() {
    try {
      while (true) {
        WatchKey key = service.take();
        key.pollEvents();
        String id = ids.get(key);
        if (id != null) {
          listener.accept(id);
        }
        if (!key.reset()) {
          ids.remove(key);
        }
      }
    } catch (ClosedWatchServiceException e) {
      // The runtime was closed.
      ids.clear();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    try {
      service.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot stop watching", e);
    }
  }
}
