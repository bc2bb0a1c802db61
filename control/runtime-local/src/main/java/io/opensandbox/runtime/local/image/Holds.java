package io.opensandbox.runtime.local.image;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/// What work under way needs of images and layers, so that none of it is removed meanwhile.
///
/// Names are references of images or names of layers; the two never look alike.
public final class Holds {
  // Guarded by this.
  private final Map<String, Integer> held = new HashMap<>();
  private final Map<String, Deque<Instant>> promised = new HashMap<>();

  /// Keeps nothing yet; closing it gives up what was added.
  Hold open() {
    return new Hold(this);
  }

  /// Keeps an image for a sandbox that is going to be made from it.
  ///
  /// @param until when nobody waits for that sandbox any more
  synchronized void promise(String reference, Instant until) {
    promised.computeIfAbsent(reference, _ -> new ArrayDeque<>()).add(until);
  }

  /// The sandbox is being made, or never will be.
  synchronized void settle(String reference) {
    Deque<Instant> waiting = promised.get(reference);
    if (waiting != null) {
      waiting.poll();
      if (waiting.isEmpty()) {
        promised.remove(reference);
      }
    }
  }

  synchronized boolean isPromised(String reference, Instant now) {
    Deque<Instant> waiting = promised.get(reference);
    if (waiting != null) {
      waiting.removeIf(until -> !until.isAfter(now));
      if (waiting.isEmpty()) {
        promised.remove(reference);
      }
    }
    return promised.containsKey(reference);
  }

  synchronized Set<String> held() {
    return new HashSet<>(held.keySet());
  }

  /// Runs `work` while no hold is taken or given up. It must be short.
  synchronized <T> T still(Supplier<T> work) {
    return work.get();
  }

  private synchronized void take(Collection<String> names) {
    names.forEach(name -> held.merge(name, 1, Integer::sum));
  }

  private synchronized void giveUp(Collection<String> names) {
    names.forEach(name -> held.computeIfPresent(name, (_, count) -> count == 1 ? null : count - 1));
  }

  /// Images and layers that stay until this is closed.
  public static final class Hold implements AutoCloseable {
    private final Holds holds;

    // Guarded by this.
    private final List<String> names = new ArrayList<>();

    private Hold(Holds holds) {
      this.holds = holds;
    }

    synchronized void add(Collection<String> more) {
      holds.take(more);
      names.addAll(more);
    }

    /// Gives up everything; once is enough.
    @Override
    public synchronized void close() {
      holds.giveUp(names);
      names.clear();
    }
  }
}
