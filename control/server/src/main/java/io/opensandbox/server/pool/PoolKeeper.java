package io.opensandbox.server.pool;

import io.opensandbox.server.sandbox.Members;
import io.opensandbox.server.sandbox.PoolTemplate;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps as many members ready as the pools want. Level-triggered: whatever happened, one thread
/// compares each pool with its members and begins what is missing; the work itself is done on
/// threads of its own, a few at a time.
public final class PoolKeeper implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PoolKeeper.class);
  private static final Duration RESYNC = Duration.ofSeconds(15);
  // A new member takes processor time from the commands of those that were just claimed, so a burst
  // of claims is let pass while enough members are left. Else its first command is all that waits.
  private static final Duration QUIET = Duration.ofMillis(250);
  private static final Duration SHORT_QUIET = Duration.ofMillis(40);
  private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
  private static final Duration LAST_RETRY = Duration.ofMinutes(1);
  // Below the ten minutes after which an idle execd goes to sleep.
  private static final Duration TOUCH = Duration.ofMinutes(4);
  private static final int MAX_AT_ONCE = 8;

  private final Pools pools;
  private final Members members;
  private final int limit;
  private final Semaphore slots;
  private final Semaphore pokes = new Semaphore(0);
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("pools-", 0).factory());
  private final Map<String, Retry> retries = new ConcurrentHashMap<>();
  private final Map<String, Integer> beingMade = new ConcurrentHashMap<>();
  private final Set<String> beingRemoved = ConcurrentHashMap.newKeySet();
  private volatile long lastClaim = System.nanoTime() - QUIET.toNanos();
  private volatile boolean closed;
  // Used by the keeper's thread only.
  private long lastTouch = System.nanoTime();

  private record Retry(long at, Duration pause) {}

  /// @param processors of the machine; as many members are made at once, within bounds
  public PoolKeeper(Pools pools, Members members, int processors) {
    this.pools = pools;
    this.members = members;
    this.limit = Math.clamp(processors, 2, MAX_AT_ONCE);
    this.slots = new Semaphore(limit);
  }

  /// Begins to keep.
  public void start() {
    members.listen(this::poke);
    pools.listen(_ -> {
      lastClaim = System.nanoTime();
      poke();
    });
    threads.execute(this::loop);
    poke();
  }

  /// Says that something may have to be done.
  void poke() {
    pokes.release();
  }

  @Override
  public void close() {
    closed = true;
    threads.shutdownNow();
    try {
      boolean _ = threads.awaitTermination(10, TimeUnit.SECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void loop() {
    try {
      Duration pause = RESYNC;
      while (!closed) {
        boolean _ = pokes.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS);
        pokes.drainPermits();
        pause = closed ? RESYNC : pass();
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  // Returns after how long there may be something to do again.
  private Duration pass() {
    try {
      Set<String> known = new HashSet<>();
      long now = System.nanoTime();
      long next = RESYNC.toNanos();
      for (PoolRow pool : pools.store().all()) {
        known.add(pool.name());
        next = Math.min(next, keep(pool, now));
      }
      retries.keySet().retainAll(known);
      for (String name : members.pools()) {
        if (!known.contains(name)) {
          members.idle(name).forEach(member -> remove(name, member, "its pool is gone"));
        }
      }
      if (now - lastTouch > TOUCH.toNanos()) {
        lastTouch = now;
        known.forEach(this::touch);
      }
      return Duration.ofNanos(Math.max(next, 1_000_000));
    } catch (RuntimeException e) {
      LOG.warn("cannot look after the pools, will retry: {}", e.getMessage());
      return RESYNC;
    }
  }

  // Returns after how many nanoseconds the pool may need something again.
  private long keep(PoolRow pool, long now) {
    List<Members.Idle> usable = removeUseless(pool);
    Plan plan = Plan.of(pool.capacity(), members.count(pool.name()));
    usable.stream()
        .filter(Members.Idle::made)
        .limit(plan.shrink())
        .forEach(member -> remove(pool.name(), member, "there are too many"));
    int wanted = plan.grow() - beingMade.getOrDefault(pool.name(), 0);
    if (wanted <= 0) {
      return RESYNC.toNanos();
    }
    long wait = Math.max(quiet(usable.size(), plan.grow(), now), retryIn(pool.name(), now));
    if (wait > 0) {
      return wait;
    }
    for (int i = 0; i < wanted && slots.tryAcquire(); i++) {
      begin(pool);
    }
    return RESYNC.toNanos(); // a slot that becomes free pokes
  }

  private List<Members.Idle> removeUseless(PoolRow pool) {
    Map<String, Members.Idle> usable = new HashMap<>();
    List<Members.Idle> idle = members.idle(pool.name());
    for (Members.Idle member : idle) {
      if (!member.revision().equals(pool.template().revision())) {
        remove(pool.name(), member, "the template changed");
      } else if (member.made() && !member.running()) {
        remove(pool.name(), member, "it does not run any more");
      } else {
        usable.put(member.id(), member);
      }
    }
    return idle.stream().filter(member -> usable.containsKey(member.id())).toList();
  }

  private long quiet(int left, int missing, long now) {
    Duration quiet = left < missing ? SHORT_QUIET : QUIET;
    return lastClaim + quiet.toNanos() - now;
  }

  private long retryIn(String pool, long now) {
    Retry retry = retries.get(pool);
    return retry == null ? 0 : retry.at() - now;
  }

  private void begin(PoolRow pool) {
    beingMade.merge(pool.name(), 1, Integer::sum);
    threads.execute(() -> {
      try {
        make(pool);
      } finally {
        beingMade.computeIfPresent(pool.name(), (_, count) -> count > 1 ? count - 1 : null);
        slots.release();
        poke();
      }
    });
  }

  private void make(PoolRow pool) {
    PoolTemplate template = pool.template();
    try {
      boolean made = members.make(template, counts -> Plan.of(pool.capacity(), counts).grow() > 0);
      if (made) {
        retries.remove(pool.name());
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      if (!closed) {
        Retry retry = retries.compute(pool.name(), (_, last) -> next(last));
        LOG.warn(
            "pool {}: cannot make a member, will retry in {} s: {}",
            pool.name(),
            retry.pause().toSeconds(),
            e.getMessage());
      }
    }
  }

  private static Retry next(@org.jspecify.annotations.Nullable Retry last) {
    Duration pause = last == null ? FIRST_RETRY : last.pause().multipliedBy(2);
    Duration bounded = pause.compareTo(LAST_RETRY) > 0 ? LAST_RETRY : pause;
    return new Retry(System.nanoTime() + bounded.toNanos(), bounded);
  }

  private void remove(String pool, Members.Idle member, String why) {
    if (!beingRemoved.add(member.id())) {
      return;
    }
    LOG.info("sandbox {}: removing this member of pool {}: {}", member.id(), pool, why);
    threads.execute(() -> {
      try {
        members.remove(member.id());
      } catch (RuntimeException e) {
        LOG.warn("sandbox {}: cannot be removed, will retry: {}", member.id(), e.getMessage());
      } finally {
        beingRemoved.remove(member.id());
      }
    });
  }

  private void touch(String pool) {
    for (Members.Idle member : members.idle(pool)) {
      if (member.made()) {
        threads.execute(() -> members.touch(member.id()));
      }
    }
  }
}
