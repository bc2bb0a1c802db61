package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import io.opensandbox.runtime.SandboxStats;

/// Reads the engine's statistics of a container.
final class ContainerStats {
  private ContainerStats() {}

  static SandboxStats read(JsonNode stats) {
    JsonNode memory = stats.path("memory_stats");
    JsonNode detail = memory.path("stats");
    // Page cache that the kernel would give back counts as free: v1 and v2 name it differently.
    long cache = detail.path("total_inactive_file").asLong(detail.path("inactive_file").asLong());
    long used = memory.path("usage").asLong();
    return new SandboxStats(
        stats.path("cpu_stats").path("cpu_usage").path("total_usage").asLong(),
        cache < used ? used - cache : used,
        memory.path("limit").asLong(),
        stats.path("pids_stats").path("current").asLong());
  }
}
