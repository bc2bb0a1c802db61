package io.opensandbox.runtime.local;

import io.opensandbox.runtime.local.cgroup.CgroupTree;
import io.opensandbox.runtime.local.disk.Disk;
import io.opensandbox.runtime.local.engine.Notes;
import io.opensandbox.runtime.local.image.Images;
import io.opensandbox.runtime.local.image.Layers;
import io.opensandbox.runtime.local.network.Networks;
import io.opensandbox.runtime.local.process.Runner;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Removes what nobody needs any more, mostly in the background.
final class Housekeeping implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);

  private final Boxes boxes;
  private final Store store;
  private final Disk disk;
  private final Layers layers;
  private final Images images;
  private final long imageBytes;
  private final Clock clock;
  private final AtomicInteger openForks = new AtomicInteger();
  private final ReentrantLock collecting = new ReentrantLock();
  private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();

  /// @param imageBytes disk that images may take
  Housekeeping(
      Boxes boxes,
      Store store,
      Disk disk,
      Layers layers,
      Images images,
      long imageBytes,
      Clock clock) {
    this.boxes = boxes;
    this.store = store;
    this.disk = disk;
    this.layers = layers;
    this.images = images;
    this.imageBytes = imageBytes;
    this.clock = clock;
  }

  /// Runs something that nobody waits for; the next start does it when this one is ending.
  void later(Runnable work) {
    try {
      background.execute(work);
    } catch (RejectedExecutionException e) {
      LOG.debug("the server is stopping", e);
    }
  }

  /// A sandbox was removed.
  void sandboxRemoved() {
    later(() -> {
      emptyTrash();
      removeForkLayers();
      tidyImages(() -> images.isOver(imageBytes));
    });
  }

  /// An image was added, or half of one: the longest unused go when there are too many.
  void imageAdded() {
    later(() -> tidyImages(() -> true));
  }

  private void tidyImages(BooleanSupplier isNeeded) {
    collecting.lock();
    try {
      if (isNeeded.getAsBoolean()) {
        int removed = images.collect(imageBytes, boxes, clock.instant());
        if (removed > 0) {
          LOG.info("removed {} unused images to stay below the disk limit", removed);
        }
      }
    } catch (Runner.RunFailure | UncheckedIOException e) {
      LOG.warn("cannot tidy images; the next time tries again: {}", e.getMessage());
    } finally {
      collecting.unlock();
    }
  }

  /// Layers of forks stay from here to [#forkEnds].
  void forkBegins() {
    openForks.incrementAndGet();
  }

  /// The captured layer goes unless a copy uses it.
  void forkEnds() {
    openForks.decrementAndGet();
    later(this::removeForkLayers);
  }

  /// Removes what an earlier server left half done. Call while nothing is being made.
  ///
  /// @return how many things were removed
  int sweep(Networks networks, CgroupTree cgroups, Notes notes) {
    int removed = emptyTrash() + removeForkLayers() + networks.removeStrangers();
    for (String name : cgroups.names()) {
      if (!boxes.knows(name)) {
        var orphan = cgroups.of(name);
        orphan.kill();
        orphan.remove();
        removed++;
      }
    }
    for (String id : notes.ids()) {
      if (!boxes.knows(id)) {
        notes.remove(id);
        removed++;
      }
    }
    return removed;
  }

  private synchronized int emptyTrash() {
    List<Path> trash = store.trash();
    for (Path path : trash) {
      try {
        disk.removeRoom(path.resolve("files"));
        disk.removeRoom(path);
        layers.removeTree(path);
      } catch (Runner.RunFailure e) {
        LOG.warn("cannot delete {}; the next sweep tries again: {}", path, e.getMessage());
      }
    }
    if (!trash.isEmpty()) {
      disk.forgetRemoved();
    }
    return trash.size();
  }

  /// Removes layers of forks that no copy needs any more.
  private synchronized int removeForkLayers() {
    if (openForks.get() > 0) {
      return 0;
    }
    Set<String> used = boxes.layers();
    images.all().forEach(image -> image.trees().forEach(tree -> used.addAll(tree.lowers())));
    List<String> unused =
        layers.names().stream()
            .filter(name -> name.startsWith(Layers.FORK) && !used.contains(name))
            .toList();
    unused.forEach(layers::remove);
    return unused.size();
  }

  /// Waits for what runs in the background.
  @Override
  public void close() {
    background.shutdown();
    try {
      if (!background.awaitTermination(30, TimeUnit.SECONDS)) {
        LOG.warn("files of removed sandboxes are still being deleted; the next start goes on");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
