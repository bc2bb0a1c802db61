package io.opensandbox.runtime.docker.image;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Turns the engine's many lines about a pull into few for people.
final class PullProgress {
  private final String reference;
  private final Map<String, Boolean> layers = new HashMap<>();
  private String last = "";

  PullProgress(String reference) {
    this.reference = reference;
  }

  /// The next message, when the line changes anything worth telling.
  Optional<String> next(JsonNode line) {
    String layer = line.path("id").asText("");
    String status = line.path("status").asText("");
    if (layer.isEmpty() || status.startsWith("Pulling from")) {
      return Optional.empty();
    }
    boolean done = status.equals("Pull complete") || status.equals("Already exists");
    layers.merge(layer, done, Boolean::logicalOr);
    long complete = layers.values().stream().filter(Boolean::booleanValue).count();
    String message =
        "Pulling image " + reference + ": " + complete + " of " + layers.size() + " layers";
    if (message.equals(last)) {
      return Optional.empty();
    }
    last = message;
    return Optional.of(message);
  }
}
