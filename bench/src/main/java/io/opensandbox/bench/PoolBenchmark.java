package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Json;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// From the claim of a ready sandbox to the end of its first command. Each claim finds the pool
/// full, so that the making of other members is not part of what is measured.
final class PoolBenchmark implements Benchmark {
  private static final int MEMBERS = 3;
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Override
  public String name() {
    return "pool";
  }

  @Override
  public List<Result> run(Target target) {
    var pool = "bench-" + UUID.randomUUID();
    create(target, pool);
    var answered = new Samples();
    var whole = new Samples();
    try {
      int warmUp = target.times(10);
      for (int i = 0; i < warmUp + target.times(50); i++) {
        awaitFull(target, pool);
        if (i < warmUp) {
          claim(target, pool, new Samples(), new Samples());
        } else {
          claim(target, pool, answered, whole);
        }
      }
    } finally {
      target.server().http().send("DELETE", "/pools/" + pool).expect(204);
    }
    return List.of(Result.of("pool-claimed", answered), Result.of("pool-to-first-command", whole));
  }

  private static void create(Target target, String pool) {
    var container = Map.of("name", "sandbox", "image", target.image());
    var request =
        Map.of(
            "name", pool,
            "template", Map.of("spec", Map.of("containers", List.of(container))),
            "capacitySpec",
                Map.of("bufferMin", MEMBERS, "bufferMax", MEMBERS, "poolMin", 0, "poolMax", 1000));
    target.server().http().sendJson("POST", "/pools", request).expect(201);
  }

  private static void awaitFull(Target target, String pool) {
    var deadline = Deadline.in(PATIENCE);
    while (available(target, pool) < MEMBERS) {
      deadline.pauseOrFail("pool \"" + pool + "\" does not become full");
    }
  }

  private static long available(Target target, String pool) {
    Json now = target.server().http().send("GET", "/pools/" + pool).expect(200).json();
    return now.at("status").number("available");
  }

  private static void claim(Target target, String pool, Samples answered, Samples whole) {
    var request = Map.<String, Object>of("extensions", Map.of("poolRef", pool), "timeout", 600);
    var ids = new ArrayList<String>();
    whole.measure(() -> {
      answered.measure(() -> ids.add(target.server().create(request).text("id")));
      if (ids.isEmpty()) {
        throw new IllegalStateException("the claim failed");
      }
      Commands.runTrue(target.server().execd(ids.getFirst(), Commands.PATIENCE));
    });
    ids.forEach(target.server()::delete);
  }
}
