package io.opensandbox.runtime.docker.staging;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A container that lives for one step; closing it removes it.
final class TemporaryContainer implements AutoCloseable {
  /// Marks them, so that a sweep finds what a crash left.
  static final String LABEL = Labels.PREFIX + "temporary";

  private static final Logger log = LoggerFactory.getLogger(TemporaryContainer.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Engine engine;
  private final String id;

  private TemporaryContainer(Engine engine, String id) {
    this.engine = engine;
    this.id = id;
  }

  /// Makes one without starting it; it runs as root and without network.
  ///
  /// @param binds as in the engine's `HostConfig.Binds`
  static TemporaryContainer create(
      Engine engine, String name, String image, List<String> command, List<String> binds) {
    ObjectNode request = JSON.createObjectNode();
    request.put("Image", image);
    request.put("User", "0:0");
    request.put("NetworkDisabled", true);
    request.set("Entrypoint", JSON.valueToTree(command));
    request.set("Cmd", JSON.createArrayNode());
    request.set("Labels", JSON.createObjectNode().put(LABEL, "execd"));
    ObjectNode host = JSON.createObjectNode();
    host.put("NetworkMode", "none");
    host.set("Binds", JSON.valueToTree(binds));
    request.set("HostConfig", host);
    JsonNode made = engine.post("/containers/create?name=" + Engine.encode(name), request);
    return new TemporaryContainer(engine, made.path("Id").asText());
  }

  String id() {
    return id;
  }

  /// Starts it and waits for its end.
  ///
  /// @return its exit code
  int run() {
    engine.post("/containers/" + id + "/start");
    return engine.post("/containers/" + id + "/wait").path("StatusCode").asInt(-1);
  }

  @Override
  public void close() {
    try {
      engine.delete("/containers/" + id + "?force=true&v=true");
    } catch (EngineException e) {
      if (!e.isNotFound()) {
        log.warn("temporary container {} stays until the next sweep: {}", id, e.text());
      }
    }
  }
}
