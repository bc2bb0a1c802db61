package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.RuntimeSandbox.State;
import io.opensandbox.runtime.docker.ContainerRequest.Published;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Semaphore;

/// Starts a sandbox's container and returns when execd can be talked to.
///
/// Ports were free when they were chosen; when somebody else has taken one since, the container is
/// made again with others, because its labels cannot change.
final class SandboxStart {
  private static final int MAX_PORT_TRIES = 5;
  private static final int MIN_AT_ONCE = 4;

  private final Engine engine;
  private final SandboxIndex index;
  private final SandboxCreation creation;
  private final HostPorts ports;
  private final ExecdReadiness readiness;
  private final CpuBoost boost;
  // A start keeps a processor busy, most of it in the engine. A burst that is started all at once
  // ends no sooner, but its first sandbox comes as late as its last.
  private final Semaphore places;

  SandboxStart(
      Engine engine,
      SandboxIndex index,
      SandboxCreation creation,
      HostPorts ports,
      ExecdReadiness readiness,
      CpuBoost boost,
      int processors) {
    this.engine = engine;
    this.index = index;
    this.creation = creation;
    this.ports = ports;
    this.readiness = readiness;
    this.boost = boost;
    this.places = new Semaphore(Math.max(MIN_AT_ONCE, 2 * processors), true);
  }

  RuntimeSandbox start(String id) {
    SeenSandbox sandbox = index.recall(id);
    if (sandbox.sandbox().state() == State.EXITED) {
      return sandbox.sandbox(); // starting it again would run the user's command twice
    }
    enter(id);
    try {
      return startNow(id);
    } finally {
      places.release();
    }
  }

  private void enter(String id) {
    try {
      places.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SandboxException(
          ErrorCode.START_FAILED, "the start of sandbox \"" + id + "\" was interrupted", e);
    }
  }

  private RuntimeSandbox startNow(String id) {
    long startedAt = System.nanoTime();
    startContainer(id);
    SeenSandbox started = index.fetch(id);
    boolean running = started.sandbox().state() == State.RUNNING;
    OptionalLong cpuLimit = CpuBoost.waiting(started.sandbox().labels());
    if (cpuLimit.isPresent()) {
      if (running) {
        readiness.awaitAnswer(started, startedAt);
      }
      endBoost(id, cpuLimit.getAsLong());
    } else if (running && started.execdMounted()) {
      readiness.awaitAccept(started, startedAt);
    }
    return started.sandbox();
  }

  private void endBoost(String id, long nanoCpus) {
    try {
      boost.end(id, nanoCpus);
    } catch (EngineException e) {
      if (e.isNotFound()) {
        throw SandboxIndex.notFound(id);
      }
      throw startFailed(e);
    }
  }

  private void startContainer(String id) {
    for (int i = 1; ; i++) {
      try {
        engine.post(SandboxIndex.path(id) + "/start");
        ports.release(id);
        return;
      } catch (EngineException e) {
        if (e.isNotFound() && index.find(id).isEmpty()) {
          throw SandboxIndex.notFound(id);
        }
        if (!isPortTaken(e) || i == MAX_PORT_TRIES) {
          throw startFailed(e);
        }
        makeAgain(id);
      }
    }
  }

  private static boolean isPortTaken(EngineException e) {
    return e.text().contains("port is already allocated")
        || e.text().contains("address already in use");
  }

  private void makeAgain(String id) {
    JsonNode container = index.inspect(id).orElseThrow(() -> SandboxIndex.notFound(id));
    Optional<RestoredEnvironment.File> changes = creation.changesOf(index.fetch(id));
    ports.release(id);
    Published published = new Published(ports.reserve(id), ports.reserve(id));
    ObjectNode body = ContainerRequest.again(container, published);
    String name = Engine.encode(SandboxIndex.containerName(id));
    try {
      engine.delete("/containers/" + container.path("Id").asText() + "?force=true&v=true");
      engine.post("/containers/create?name=" + name, body);
    } catch (EngineException e) {
      throw startFailed(e);
    }
    creation.stageAgain(index.fetch(id), changes);
  }

  private static SandboxException startFailed(EngineException e) {
    return new SandboxException(
        ErrorCode.START_FAILED, "Failed to start sandbox container: " + e.text(), e);
  }
}
