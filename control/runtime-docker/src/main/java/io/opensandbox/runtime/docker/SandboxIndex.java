package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;

/// Looks sandboxes up and remembers what the engine's events have not changed since.
///
/// A listing is one call of the engine; only containers that are new, changed or not trusted are
/// inspected on top. While no events flow nothing remembered is trusted.
final class SandboxIndex {
  private final Engine engine;
  private final Optional<String> network;
  private final Map<String, SeenSandbox> seen = new ConcurrentHashMap<>();
  private final Map<String, Long> changes = new ConcurrentHashMap<>();
  private final Map<String, Long> deaths = new ConcurrentHashMap<>();
  private volatile boolean eventsFlow;

  /// @param network the user-defined network whose addresses count first
  SandboxIndex(Engine engine, Optional<String> network) {
    this.engine = engine;
    this.network = network;
  }

  /// Name of a sandbox's container.
  static String containerName(String id) {
    return "sandbox-" + id;
  }

  /// Path of a call about a sandbox's container.
  static String path(String id) {
    return "/containers/" + Engine.encode(containerName(id));
  }

  static SandboxException notFound(String id) {
    return new SandboxException(
        ErrorCode.SANDBOX_NOT_FOUND, "sandbox \"" + id + "\" does not exist");
  }

  /// The sandbox as it is now.
  Optional<SeenSandbox> find(String id) {
    long askedAt = System.nanoTime();
    return inspect(id).map(container -> remember(id, askedAt, container));
  }

  /// The engine's inspection of a sandbox's container.
  Optional<JsonNode> inspect(String id) {
    try {
      JsonNode container = engine.get(path(id) + "/json");
      boolean ours = new ContainerView(container).sandboxId().equals(Optional.of(id));
      return ours ? Optional.of(container) : Optional.empty();
    } catch (EngineException e) {
      if (e.isNotFound() || e.status() == 400) {
        forget(id);
        return Optional.empty();
      }
      throw queryFailed(e);
    }
  }

  /// The sandbox as it is now; `SANDBOX_NOT_FOUND` when it is not there.
  SeenSandbox fetch(String id) {
    return find(id).orElseThrow(() -> notFound(id));
  }

  /// The sandbox as remembered, asking the engine only when something changed.
  SeenSandbox recall(String id) {
    SeenSandbox known = eventsFlow ? seen.get(id) : null;
    return known != null ? known : fetch(id);
  }

  /// Every sandbox on the engine.
  List<RuntimeSandbox> list() {
    JsonNode containers = listContainers();
    List<RuntimeSandbox> found = new ArrayList<>();
    List<String> unknown = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    for (JsonNode container : containers) {
      String id = container.path("Labels").path(Labels.ID).asText("");
      if (id.isBlank() || !hasName(container, containerName(id))) {
        continue;
      }
      ids.add(id);
      SeenSandbox known = eventsFlow ? seen.get(id) : null;
      if (known != null && isStill(known, container)) {
        found.add(known.sandbox());
      } else {
        unknown.add(id);
      }
    }
    found.addAll(inspectAll(unknown));
    seen.keySet().retainAll(ids);
    changes.keySet().retainAll(ids);
    deaths.keySet().retainAll(ids);
    return found;
  }

  private JsonNode listContainers() {
    String filters = Engine.filters(Map.of("label", List.of(Labels.ID)));
    try {
      return engine.get("/containers/json?all=true&filters=" + filters);
    } catch (EngineException e) {
      throw queryFailed(e);
    }
  }

  private static boolean hasName(JsonNode container, String name) {
    for (JsonNode one : container.path("Names")) {
      if (one.asText().equals("/" + name)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isStill(SeenSandbox known, JsonNode container) {
    return known.containerId().equals(container.path("Id").asText())
        && known.sandbox().state() == ContainerView.stateNamed(container.path("State").asText());
  }

  private List<RuntimeSandbox> inspectAll(List<String> ids) {
    if (ids.isEmpty()) {
      return List.of();
    }
    List<RuntimeSandbox> found = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Optional<SeenSandbox>>> inspections = new ArrayList<>();
      ids.forEach(id -> inspections.add(threads.submit(() -> find(id))));
      for (Future<Optional<SeenSandbox>> inspection : inspections) {
        inspection.get().ifPresent(one -> found.add(one.sandbox()));
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof SandboxException failure
          ? failure
          : new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SandboxException(
          ErrorCode.SANDBOX_QUERY_FAILED, "interrupted while listing sandboxes", e);
    }
    return found;
  }

  private SeenSandbox remember(String id, long askedAt, JsonNode container) {
    SeenSandbox now = SeenSandbox.of(new ContainerView(container), network);
    seen.put(id, now);
    Long changed = changes.get(id);
    if (changed != null && changed - askedAt >= 0) {
      seen.remove(id, now); // it may be older than the change
    }
    return now;
  }

  /// Drops what is known of a sandbox, because it changed.
  void changed(String id) {
    changes.put(id, System.nanoTime());
    seen.remove(id);
  }

  /// A container was made for a sandbox. Whoever has seen that container knows.
  void made(String id, String container) {
    changedUnless(id, known -> known.containerId().equals(container));
  }

  /// The container of a sandbox was started. Whoever has seen it running knows: the end of an
  /// earlier run would have been told before.
  void started(String id, String container) {
    changedUnless(
        id,
        known ->
            known.containerId().equals(container)
                && known.sandbox().state() == RuntimeSandbox.State.RUNNING);
  }

  // An inspection that is under way may be older than the change in any case.
  private void changedUnless(String id, Predicate<SeenSandbox> isKnown) {
    changes.put(id, System.nanoTime());
    seen.computeIfPresent(id, (_, known) -> isKnown.test(known) ? known : null);
  }

  /// Notes that the first process of a sandbox ended.
  void died(String id) {
    deaths.put(id, System.nanoTime());
    changed(id);
  }

  /// Whether the first process of a sandbox ended since then (a value of `System.nanoTime()`).
  boolean hasDiedSince(String id, long nanos) {
    Long death = deaths.get(id);
    return death != null && death - nanos >= 0;
  }

  /// Drops everything about a sandbox that is gone.
  void forget(String id) {
    seen.remove(id);
    changes.remove(id);
    deaths.remove(id);
  }

  /// Tells whether [#changed] is called for every change.
  void eventsFlow(boolean flow) {
    eventsFlow = flow;
    seen.clear();
  }

  private static SandboxException queryFailed(EngineException e) {
    return new SandboxException(
        ErrorCode.SANDBOX_QUERY_FAILED, "Failed to query sandboxes: " + e.text(), e);
  }
}
