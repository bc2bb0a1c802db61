package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import io.opensandbox.runtime.HostProgram;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// What is on the engine, to compare before and after a test. Only objects that carry our names or
/// labels count: others use the engine too.
record EngineObjects(Set<String> containers, Set<String> volumes) {
  /// Looks now. Volumes that hold an unpacked execd stay on purpose and do not count.
  ///
  /// @param sandboxId only objects of this sandbox, and temporary ones of an execd image
  static EngineObjects of(String sandboxId) {
    Set<String> containers = new TreeSet<>();
    Set<String> volumes = new TreeSet<>();
    try (Engine engine = Engine.open(EngineAddress.DEFAULT, Duration.ofSeconds(30))) {
      for (JsonNode container : engine.get("/containers/json?all=true")) {
        String name = container.path("Names").path(0).asText();
        if (name.contains(sandboxId)) {
          containers.add(name);
        }
      }
      for (JsonNode volume : engine.get("/volumes").path("Volumes")) {
        if (volume.path("Labels").toString().contains(sandboxId)) {
          volumes.add(volume.path("Name").asText());
        }
      }
    }
    return new EngineObjects(containers, volumes);
  }

  static final EngineObjects NONE = new EngineObjects(Set.of(), Set.of());

  /// The engine's answer to a call.
  static JsonNode get(String path) {
    try (Engine engine = Engine.open(EngineAddress.DEFAULT, Duration.ofSeconds(30))) {
      return engine.get(path);
    }
  }

  /// Runs Docker's command line client.
  static String docker(String... arguments) {
    List<String> command = new ArrayList<>(List.of("docker"));
    command.addAll(List.of(arguments));
    return HostProgram.run(command).strip();
  }
}
