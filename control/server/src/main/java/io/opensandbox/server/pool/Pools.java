package io.opensandbox.server.pool;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.sandbox.PoolTemplate;
import io.opensandbox.server.sandbox.PoolTemplates;
import io.opensandbox.server.store.Store;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/// What a claim needs of pools; made before the sandboxes' service, which uses it.
public final class Pools implements PoolTemplates {
  private final PoolStore store;
  private final Map<Claims, LongAdder> claims = new ConcurrentHashMap<>();
  private volatile Consumer<String> listener = _ -> {};

  /// @param store that has the pools' table
  public Pools(Store store) {
    this.store = new PoolStore(store.database());
  }

  /// What is counted apart.
  ///
  /// @param warm whether a member was there
  public record Claims(String pool, boolean warm) implements Comparable<Claims> {
    @Override
    public int compareTo(Claims other) {
      int byPool = pool.compareTo(other.pool);
      return byPool != 0 ? byPool : Boolean.compare(warm, other.warm);
    }
  }

  @Override
  public PoolTemplate find(String pool, String tenant) {
    return row(pool, tenant).template();
  }

  @Override
  public void claimed(String pool, boolean warm) {
    claims.computeIfAbsent(new Claims(pool, warm), _ -> new LongAdder()).increment();
    listener.accept(pool);
  }

  /// How many claims this server has served so far, sorted.
  public Map<Claims, Long> claims() {
    Map<Claims, Long> counts = new TreeMap<>();
    claims.forEach((key, count) -> counts.put(key, count.sum()));
    return counts;
  }

  /// Names who is told of claims, at once and on any thread.
  void listen(Consumer<String> listener) {
    this.listener = listener;
  }

  PoolRow row(String name, String tenant) {
    return store.find(name).filter(row -> row.isSeenBy(tenant)).orElseThrow(() -> notFound(name));
  }

  PoolStore store() {
    return store;
  }

  static SandboxException notFound(String name) {
    return new SandboxException(ErrorCode.POOL_NOT_FOUND, "pool \"" + name + "\" does not exist");
  }
}
