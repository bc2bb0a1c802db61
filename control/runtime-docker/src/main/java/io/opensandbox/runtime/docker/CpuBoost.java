package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import io.opensandbox.runtime.docker.staging.StagedExecd;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Lets execd start at full speed in a sandbox that gets less than one core: its container is made
/// without the limit, which is set before the start is reported as done.
///
/// The limit stands in a label, so that whoever finds a sandbox whose server died in between can
/// still set it.
final class CpuBoost {
  /// On a sandbox: its limit in billionths of a core.
  static final String LABEL = Labels.PREFIX + "cpu-limit";

  private static final Logger log = LoggerFactory.getLogger(CpuBoost.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long ONE_CORE = 1_000_000_000;

  private final Engine engine;

  CpuBoost(Engine engine) {
    this.engine = engine;
  }

  /// Whether a sandbox is started without its limit.
  static boolean isFor(SandboxSpec spec, StagedExecd staged) {
    OptionalLong limit = spec.limits().nanoCpus();
    return staged instanceof StagedExecd.Mounted
        && limit.isPresent()
        && limit.getAsLong() < ONE_CORE;
  }

  /// The limits without the one that waits.
  static ResourceLimits without(ResourceLimits limits) {
    return new ResourceLimits(
        OptionalLong.empty(), limits.memoryBytes(), limits.pids(), limits.gpus());
  }

  /// The limit that a sandbox waits for; empty when it has none waiting.
  static OptionalLong waiting(Map<String, String> labels) {
    try {
      return OptionalLong.of(Long.parseLong(labels.getOrDefault(LABEL, "")));
    } catch (NumberFormatException _) {
      return OptionalLong.empty();
    }
  }

  /// Sets the limit of a sandbox.
  void end(String id, long nanoCpus) {
    engine.post(
        SandboxIndex.path(id) + "/update", JSON.createObjectNode().put("NanoCpus", nanoCpus));
  }

  /// Sets the limits that were left waiting when a server died.
  ///
  /// @return how many
  int endAll() {
    int ended = 0;
    String filters =
        Engine.filters(Map.of("label", List.of(LABEL), "status", List.of("running", "paused")));
    for (JsonNode one : engine.get("/containers/json?filters=" + filters)) {
      try {
        JsonNode container = engine.get("/containers/" + one.path("Id").asText() + "/json");
        ContainerView view = new ContainerView(container);
        OptionalLong limit = waiting(view.rawLabels());
        boolean unlimited = container.path("HostConfig").path("NanoCpus").asLong() == 0;
        if (unlimited && limit.isPresent() && view.sandboxId().isPresent()) {
          end(view.sandboxId().get(), limit.getAsLong());
          ended++;
        }
      } catch (EngineException e) {
        if (!e.isNotFound()) {
          log.warn("cannot set the CPU limit of {}: {}", one.path("Names"), e.text());
        }
      }
    }
    return ended;
  }
}
