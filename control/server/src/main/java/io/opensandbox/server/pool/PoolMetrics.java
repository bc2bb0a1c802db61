package io.opensandbox.server.pool;

import io.opensandbox.server.operation.MetricFamily;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What `/metrics` says of pools.
public final class PoolMetrics {
  private PoolMetrics() {}

  /// The families.
  public static List<MetricFamily> families(Pools pools, PoolService service) {
    return List.of(
        new MetricFamily(
            "opensandbox_pool_sandboxes",
            "gauge",
            "Sandboxes of each pool by state.",
            () -> sandboxes(service)),
        new MetricFamily(
            "opensandbox_pool_claims_total",
            "counter",
            "Creates from each pool that this server answered, with a member of it or without.",
            () -> claims(pools)));
  }

  private static Map<String, Integer> sandboxes(PoolService service) {
    Map<String, Integer> values = new LinkedHashMap<>();
    service
        .counts()
        .forEach((pool, counts) -> {
          values.put(labels(pool, "state", "starting"), counts.making());
          values.put(labels(pool, "state", "available"), counts.ready());
          values.put(labels(pool, "state", "allocated"), counts.claimed());
        });
    return values;
  }

  private static Map<String, Long> claims(Pools pools) {
    Map<String, Long> values = new LinkedHashMap<>();
    pools
        .claims()
        .forEach((claim, count) ->
            values.put(labels(claim.pool(), "warm", Boolean.toString(claim.warm())), count));
    return values;
  }

  // Names of pools need no escapes.
  private static String labels(String pool, String name, String value) {
    return "pool=\"" + pool + "\"," + name + "=\"" + value + "\"";
  }
}
