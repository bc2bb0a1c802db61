package io.opensandbox.server.pool;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.Pool;
import io.opensandbox.protocol.lifecycle.PoolCapacity;
import io.opensandbox.protocol.lifecycle.PoolStatus;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.http.Timestamps;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonText;
import io.opensandbox.server.sandbox.Members;
import io.opensandbox.server.sandbox.PoolTemplate;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The rules of pools. Every change takes effect in the background.
public final class PoolService {
  private final Pools pools;
  private final Members members;
  private final PoolKeeper keeper;
  private final InstantSource clock;

  /// @param keeper brings members in line
  public PoolService(Pools pools, Members members, PoolKeeper keeper, InstantSource clock) {
    this.pools = pools;
    this.members = members;
    this.keeper = keeper;
    this.clock = clock;
  }

  /// Makes a pool. Throws `POOL_ALREADY_EXISTS` when the name is taken, and whatever a create of a
  /// member would be refused with.
  ///
  /// @param body the create that makes a member
  Pool create(String name, Json.Obj body, PoolCapacity capacity, String tenant) {
    var template = new PoolTemplate(name, revision(body), body);
    members.check(template);
    var row =
        new PoolRow(
            name, tenant, template, capacity, clock.instant().truncatedTo(ChronoUnit.MICROS));
    if (!pools.store().insert(row)) {
      throw new SandboxException(
          ErrorCode.POOL_ALREADY_EXISTS, "pool \"" + name + "\" exists already");
    }
    keeper.poke();
    return view(row);
  }

  Pool get(String name, String tenant) {
    return view(pools.row(name, tenant));
  }

  /// Every pool that the tenant sees, by name.
  List<Pool> list(String tenant) {
    return pools.store().all().stream()
        .filter(row -> row.isSeenBy(tenant))
        .map(this::view)
        .toList();
  }

  Pool update(String name, PoolCapacity capacity, String tenant) {
    owned(name, tenant);
    if (!pools.store().update(name, capacity)) {
      throw Pools.notFound(name);
    }
    keeper.poke();
    return get(name, tenant);
  }

  /// Removes a pool with its unclaimed members; what was claimed lives on.
  void delete(String name, String tenant) {
    owned(name, tenant);
    if (!pools.store().delete(name)) {
      throw Pools.notFound(name);
    }
    keeper.poke();
  }

  /// How many sandboxes each pool has, for `/metrics`.
  public Map<String, Members.Counts> counts() {
    Map<String, Members.Counts> counts = new LinkedHashMap<>();
    for (PoolRow row : pools.store().all()) {
      counts.put(row.name(), members.count(row.name()));
    }
    return counts;
  }

  private void owned(String name, String tenant) {
    if (!pools.row(name, tenant).isOwnedBy(tenant)) {
      throw new SandboxException(
          ErrorCode.FORBIDDEN, "pool \"" + name + "\" is shared; its owner alone may change it");
    }
  }

  private Pool view(PoolRow row) {
    Members.Counts counts = members.count(row.name());
    return new Pool(
        row.name(),
        row.capacity(),
        new PoolStatus(
            counts.making() + counts.ready() + counts.claimed(),
            counts.claimed(),
            counts.ready(),
            row.template().revision()),
        Timestamps.format(row.createdAt()));
  }

  private static String revision(Json.Obj body) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(JsonText.of(body).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
