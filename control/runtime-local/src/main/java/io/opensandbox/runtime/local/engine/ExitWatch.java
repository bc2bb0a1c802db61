package io.opensandbox.runtime.local.engine;

import io.opensandbox.runtime.local.process.Deaths;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells when bubblewrap notes something about a sandbox: it started or ended; or when bubblewrap
/// itself ends, which may be without a note, or the only thing that is told: where sandboxes have
/// used up what the kernel lets a user watch. Works for sandboxes that an earlier server started,
/// since it watches files (inotify) and processes that are no children.
public final class ExitWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ExitWatch.class);

  // Null where the kernel gives none.
  private final @Nullable WatchService service;
  private final Consumer<String> listener;
  private final Function<String, List<Long>> pillars;
  private final Map<WatchKey, String> ids = new ConcurrentHashMap<>();

  // Guarded by this; null until it is needed.
  private @Nullable Deaths deaths;

  // Guarded by this.
  private boolean closed;

  /// Calls `listener` with the id of a sandbox on a thread of its own.
  ///
  /// @param pillars the processes of a running sandbox with which all others end
  public ExitWatch(Consumer<String> listener, Function<String, List<Long>> pillars) {
    this.listener = listener;
    this.pillars = pillars;
    this.service = open();
    if (service != null) {
      Thread.ofPlatform().name("local-exits").daemon().start(() -> run(service));
    }
  }

  private static @Nullable WatchService open() {
    try {
      return FileSystems.getDefault().newWatchService();
    } catch (IOException e) {
      LOG.warn("ends of sandboxes are told by their processes alone: {}", e.getMessage());
      return null;
    }
  }

  /// Begins to watch a sandbox whose notes are in `directory`; ends when the directory goes.
  public void watch(String id, Path directory) {
    if (service == null) {
      return;
    }
    try {
      WatchKey key =
          directory.register(
              service, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
      ids.put(key, id);
    } catch (IOException e) {
      LOG.warn("sandbox {}: its end is told by its processes alone: {}", id, e.getMessage());
    }
  }

  /// Also tells when the processes of a sandbox end, with somebody left to note it or not; at once
  /// when they have.
  public void follow(String id) {
    List<Long> processes = pillars.apply(id);
    if (processes.isEmpty()) {
      listener.accept(id);
    }
    try {
      for (long process : processes) {
        if (!deaths().watch(process, () -> listener.accept(id))) {
          listener.accept(id);
        }
      }
    } catch (IOException e) {
      LOG.warn("sandbox {}: should all its processes be killed at once, that is seen late", id, e);
    }
  }

  /// Prepares what the first [#follow] would otherwise wait for.
  public void prepare() {
    try {
      deaths();
    } catch (IOException e) {
      LOG.debug("the first sandbox tries again", e);
    }
  }

  private synchronized Deaths deaths() throws IOException {
    if (deaths == null) {
      deaths = new Deaths();
      if (closed) {
        deaths.close();
      }
    }
    return deaths;
  }

  private void run(WatchService service) {
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
    synchronized (this) {
      closed = true;
      if (deaths != null) {
        deaths.close();
      }
    }
    if (service == null) {
      return;
    }
    try {
      service.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot stop watching", e);
    }
  }
}
