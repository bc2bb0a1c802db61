package io.opensandbox.runtime.local.network;

import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Hands out networks and takes them back. Keeps a few ready.
public final class Networks implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Networks.class);

  private final String prefix;
  private final Wiring wiring;
  private final int wanted;
  private final ExecutorService worker = Executors.newVirtualThreadPerTaskExecutor();
  private final Semaphore oneRefill = new Semaphore(1);

  // Guarded by this.
  private final BitSet taken = new BitSet();
  private final BitSet stuck = new BitSet();
  private final Deque<Slot> ready = new ArrayDeque<>();
  private boolean closed;

  /// Opens the networks of one runtime.
  ///
  /// @param prefix begins the name of everything made here, at most 9 characters
  /// @param wanted how many to keep ready
  /// @param inUse numbers of networks that sandboxes of an earlier run still have
  public Networks(String prefix, Wiring wiring, int wanted, Set<Integer> inUse) {
    this.prefix = prefix;
    this.wiring = wiring;
    this.wanted = wanted;
    inUse.forEach(taken::set);
    removeStrangers();
    refill();
  }

  /// A network for one sandbox, to be given back with [#release].
  public Slot acquire() {
    Slot slot;
    synchronized (this) {
      slot = ready.poll();
    }
    refill();
    return slot != null ? slot : make(command -> command);
  }

  /// The network with this number, made by an earlier run.
  public Slot slot(int number) {
    return wiring.slot(number);
  }

  /// Whether connecting does not tell if somebody in the sandbox listens.
  public boolean takeEveryConnection() {
    return wiring.takesEveryConnection();
  }

  /// Gives a network back. Returns at once; it is taken down in the background.
  public void release(Slot slot) {
    synchronized (this) {
      if (!taken.get(slot.number())) {
        return;
      }
      if (!closed) {
        worker.execute(() -> takeDown(slot));
        return;
      }
    }
    takeDown(slot);
  }

  /// Takes down what has our prefix and belongs to nobody.
  ///
  /// @return how many networks were removed
  public int removeStrangers() {
    int removed = 0;
    for (int number : numbers()) {
      // Reserved meanwhile, so that nobody makes a network of that name.
      if (claim(number)) {
        takeDown(slot(number));
        removed++;
      }
    }
    return removed;
  }

  private synchronized boolean claim(int number) {
    boolean free = !taken.get(number) || stuck.get(number);
    taken.set(number);
    return free;
  }

  private List<Integer> numbers() {
    if (!Files.isDirectory(wiring.namespaces())) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(wiring.namespaces())) {
      return entries
          .map(path -> path.getFileName().toString())
          .filter(name -> name.matches(Pattern.quote(prefix) + "-\\d{1,5}"))
          .map(name -> Integer.valueOf(name.substring(prefix.length() + 1)))
          .filter(number -> number <= Slot.MAX)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + wiring.namespaces(), e);
    }
  }

  private void refill() {
    synchronized (this) {
      if (closed || ready.size() >= wanted) {
        return;
      }
    }
    worker.execute(this::fill);
  }

  private void fill() {
    if (!oneRefill.tryAcquire()) {
      return;
    }
    try {
      while (needsMore()) {
        Slot slot = make(Runner.Command::behind);
        synchronized (this) {
          ready.add(slot);
        }
      }
    } catch (Runner.RunFailure e) {
      // The next create tries again and reports it.
      LOG.warn("cannot prepare a network: {}", e.getMessage());
    } finally {
      oneRefill.release();
    }
  }

  private synchronized boolean needsMore() {
    return !closed && ready.size() < wanted;
  }

  /// @param priority of those that wait, or of those that do not
  private Slot make(UnaryOperator<Runner.Command> priority) {
    Slot slot = reserve();
    try {
      wiring.make(slot, priority);
      return slot;
    } catch (Runner.RunFailure e) {
      takeDown(slot);
      throw e;
    }
  }

  private synchronized Slot reserve() {
    int number = taken.nextClearBit(0);
    if (number > Slot.MAX) {
      throw new Runner.RunFailure("all " + (Slot.MAX + 1) + " networks are in use");
    }
    taken.set(number);
    return slot(number);
  }

  private void takeDown(Slot slot) {
    wiring.takeDown(slot);
    boolean gone = !Files.exists(slot.path());
    if (!gone) {
      LOG.warn("cannot remove network namespace {}; the next sweep tries again", slot.namespace());
    }
    synchronized (this) {
      taken.set(slot.number(), !gone);
      stuck.set(slot.number(), !gone);
    }
  }

  /// Takes down the networks that nobody has; those of sandboxes stay.
  @Override
  public void close() {
    Deque<Slot> unused;
    synchronized (this) {
      closed = true;
    }
    try {
      oneRefill.acquire();
      synchronized (this) {
        unused = new ArrayDeque<>(ready);
        ready.clear();
      }
      unused.forEach(this::takeDown);
      worker.shutdown();
      if (!worker.awaitTermination(30, TimeUnit.SECONDS)) {
        LOG.warn("networks are still being taken down; the next start sweeps them");
      }
      wiring.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      oneRefill.release();
    }
  }
}
