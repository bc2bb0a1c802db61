package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.RuntimeSandbox.State;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What the engine's inspection of a container says about the sandbox in it (docker-runtime
/// contract, section 15).
final class ContainerView {
  private static final int MAX_CHECK_CHARS = 200;
  // Where the driver "local" keeps the content of a volume.
  private static final Pattern IN_VOLUME = Pattern.compile("/volumes/([^/]+)/_data/");

  private final JsonNode container;

  ContainerView(JsonNode container) {
    this.container = container;
  }

  /// Id of the container.
  String containerId() {
    return container.path("Id").asText();
  }

  /// Id of the sandbox; empty for a container that holds none.
  Optional<String> sandboxId() {
    return Optional.of(rawLabels().getOrDefault(Labels.ID, "")).filter(id -> !id.isBlank());
  }

  /// The sandbox as the seam shows it.
  RuntimeSandbox sandbox() {
    State state = state();
    JsonNode detail = container.path("State");
    Map<String, String> labels = SandboxLabels.ofContainer(rawLabels());
    return new RuntimeSandbox(
        labels.getOrDefault(Labels.ID, ""),
        state,
        state == State.EXITED
            ? OptionalInt.of(detail.path("ExitCode").asInt())
            : OptionalInt.empty(),
        detail.path("OOMKilled").asBoolean(),
        detail.path("Error").asText(""),
        time(container.path("Created").asText()).orElse(Instant.EPOCH),
        state == State.EXITED ? time(detail.path("FinishedAt").asText()) : Optional.empty(),
        container.path("Config").path("Image").asText(),
        texts(container.path("Config").path("Cmd")),
        labels,
        Optional.of(details()));
  }

  private RuntimeSandbox.Container details() {
    JsonNode detail = container.path("State");
    JsonNode health = detail.path("Health");
    String word = health.path("Status").asText("");
    List<String> checks = new ArrayList<>();
    health.path("Log").forEach(check -> checks.add(line(check)));
    return new RuntimeSandbox.Container(
        containerId(),
        container.path("Name").asText().replaceFirst("^/", ""),
        time(detail.path("StartedAt").asText()),
        word.equals("none") ? "" : word,
        checks);
  }

  private static String line(JsonNode check) {
    String output = check.path("Output").asText("").strip().replaceAll("\\s+", " ");
    String end = check.path("End").asText("");
    return "[%s] exit=%d %s"
        .formatted(
            end,
            check.path("ExitCode").asInt(),
            output.substring(0, Math.min(MAX_CHECK_CHARS, output.length())));
  }

  private State state() {
    JsonNode detail = container.path("State");
    if (detail.path("Running").asBoolean() && !detail.path("Paused").asBoolean()) {
      return State.RUNNING;
    }
    if (detail.path("Paused").asBoolean()) {
      return State.PAUSED;
    }
    if (detail.path("Restarting").asBoolean()) {
      return State.RESTARTING;
    }
    return stateNamed(detail.path("Status").asText());
  }

  /// State by the engine's word for it, as a listing has it.
  static State stateNamed(String status) {
    return switch (status) {
      case "running" -> State.RUNNING;
      case "paused" -> State.PAUSED;
      case "restarting" -> State.RESTARTING;
      case "created", "starting" -> State.CREATED;
      case "exited", "dead" -> State.EXITED;
      default -> State.UNKNOWN;
    };
  }

  /// All labels, the image's among them.
  Map<String, String> rawLabels() {
    return texts(container.path("Config").path("Labels"), new HashMap<>());
  }

  /// Host port of a container port as it was decided at create.
  OptionalInt publishedPort(String label) {
    String text = rawLabels().getOrDefault(label, "").strip();
    try {
      int port = Integer.parseInt(text);
      return port > 0 && port <= 65_535 ? OptionalInt.of(port) : OptionalInt.empty();
    } catch (NumberFormatException _) {
      return OptionalInt.empty(); // absent or edited by hand
    }
  }

  /// Whether execd is mounted from a volume of ours.
  boolean hasMountedExecd() {
    for (JsonNode mount : container.path("Mounts")) {
      if (mount.path("Destination").asText().equals(ContainerRequest.EXECD)) {
        return true;
      }
    }
    return false;
  }

  /// Names of the volumes mounted in it, as a whole or a folder of them.
  List<String> volumes() {
    List<String> names = new ArrayList<>();
    for (JsonNode mount : container.path("Mounts")) {
      if (mount.path("Type").asText().equals("volume")) {
        names.add(mount.path("Name").asText());
      }
      Matcher folder = IN_VOLUME.matcher(mount.path("Source").asText());
      if (mount.path("Type").asText().equals("bind") && folder.find()) {
        names.add(folder.group(1));
      }
    }
    return List.copyOf(names);
  }

  /// Address of the container: in the named network, else the engine's own, else in any.
  Optional<String> ipAddress(Optional<String> network) {
    JsonNode settings = container.path("NetworkSettings");
    List<String> candidates = new ArrayList<>();
    network.ifPresent(
        name -> candidates.add(settings.path("Networks").path(name).path("IPAddress").asText("")));
    candidates.add(settings.path("IPAddress").asText(""));
    settings.path("Networks").forEach(one -> candidates.add(one.path("IPAddress").asText("")));
    return candidates.stream().filter(address -> !address.isEmpty()).findFirst();
  }

  private static Map<String, String> texts(JsonNode object, Map<String, String> into) {
    object.properties().forEach(field -> into.put(field.getKey(), field.getValue().asText("")));
    return into;
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(one -> texts.add(one.asText()));
    return texts;
  }

  /// A time of the engine, cut to microseconds; its zero time counts as none.
  static Optional<Instant> time(String text) {
    if (text.isEmpty() || text.startsWith("0001-")) {
      return Optional.empty();
    }
    try {
      return Optional.of(OffsetDateTime.parse(text).toInstant().truncatedTo(ChronoUnit.MICROS));
    } catch (DateTimeParseException _) {
      return Optional.empty(); // an engine that writes times differently
    }
  }
}
