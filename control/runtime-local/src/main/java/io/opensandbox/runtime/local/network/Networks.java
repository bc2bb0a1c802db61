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
  private static final Path NAMESPACES = Path.of("/run/netns");

  private final String prefix;
  private final int subnet;
  private final int mtu;
  private final int wanted;
  private final Runner runner;
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
  /// @param subnet second byte of the addresses
  /// @param wanted how many to keep ready
  /// @param inUse numbers of networks that sandboxes of an earlier run still have
  public Networks(
      String prefix, int subnet, int mtu, int wanted, Set<Integer> inUse, Runner runner) {
    this.prefix = prefix;
    this.subnet = subnet;
    this.mtu = mtu;
    this.wanted = wanted;
    this.runner = runner;
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
    return new Slot(number, prefix, subnet);
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
    if (!Files.isDirectory(NAMESPACES)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(NAMESPACES)) {
      return entries
          .map(path -> path.getFileName().toString())
          .filter(name -> name.matches(Pattern.quote(prefix) + "-\\d{1,5}"))
          .map(name -> Integer.valueOf(name.substring(prefix.length() + 1)))
          .filter(number -> number <= Slot.MAX)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + NAMESPACES, e);
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
      batch(
          priority,
          """
          netns add %1$s
          link add %2$s mtu %3$d type veth peer name eth0 mtu %3$d netns %1$s
          addr add %4$s/30 dev %2$s
          link set %2$s addrgenmode none
          link set %2$s up
          """
              .formatted(slot.namespace(), slot.cable(), mtu, slot.gateway()),
          "ip",
          "-batch",
          "-");
      batch(
          priority,
          """
          link set lo up
          link set eth0 addrgenmode none
          addr add %s/30 dev eth0
          link set eth0 up
          route add default via %s
          """
              .formatted(slot.address(), slot.gateway()),
          "ip",
          "-n",
          slot.namespace(),
          "-batch",
          "-");
      return slot;
    } catch (Runner.RunFailure e) {
      takeDown(slot);
      throw e;
    }
  }

  private void batch(UnaryOperator<Runner.Command> priority, String lines, String... argv) {
    runner.check(priority.apply(Runner.Command.of(argv)).withInput(lines));
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
    // Each may be gone already; -force goes on after a line that fails.
    runner.run(
        Runner.Command.of("ip", "-force", "-batch", "-")
            .behind()
            .withInput("link del " + slot.cable() + "\nnetns del " + slot.namespace() + "\n"));
    boolean gone = !Files.exists(NAMESPACES.resolve(slot.namespace()));
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
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      oneRefill.release();
    }
  }
}
