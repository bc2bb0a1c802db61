package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// A container's inspection as text for people, secrets masked (docker-runtime contract, section
/// 23).
final class SandboxReport {
  private static final Pattern SECRET = Pattern.compile("SECRET|TOKEN|PASSWORD|KEY");
  private static final int SHORT_ID = 12;
  private static final double NANOS_PER_CORE = 1e9;
  private static final long MEBIBYTE = 1024L * 1024;

  private final JsonNode container;
  private final StringBuilder text = new StringBuilder();

  SandboxReport(JsonNode container) {
    this.container = container;
  }

  /// The whole report, ending with a line end.
  String write() {
    identity();
    resources();
    network();
    ports();
    labels();
    environment();
    return text.toString();
  }

  private void identity() {
    JsonNode state = container.path("State");
    String id = container.path("Id").asText();
    line("Container ID", id.substring(0, Math.min(SHORT_ID, id.length())));
    line("Name", container.path("Name").asText().replaceFirst("^/", ""));
    line("Image", container.path("Config").path("Image").asText());
    line("Status", state.path("Status").asText());
    line("Running", state.path("Running").asText());
    line("Paused", state.path("Paused").asText());
    line("OOMKilled", state.path("OOMKilled").asText());
    line("Exit Code", state.path("ExitCode").asText());
    line("Started At", state.path("StartedAt").asText());
    line("Finished At", state.path("FinishedAt").asText());
    if (!state.path("Error").asText("").isEmpty()) {
      line("Error", state.path("Error").asText());
    }
  }

  private void line(String name, String value) {
    text.append("%-15s %s%n".formatted(name + ":", value));
  }

  private void resources() {
    JsonNode host = container.path("HostConfig");
    text.append("\nResources:\n");
    long nanos = host.path("NanoCpus").asLong();
    long memory = host.path("Memory").asLong();
    long pids = host.path("PidsLimit").asLong();
    text.append("  CPU: ")
        .append(
            nanos > 0
                ? String.format(Locale.ROOT, "%.2f cores", nanos / NANOS_PER_CORE)
                : "unlimited")
        .append('\n');
    text.append("  Memory: ").append(memory > 0 ? memory / MEBIBYTE + " MiB" : "unlimited");
    text.append("\n  PIDs Limit: ").append(pids > 0 ? String.valueOf(pids) : "unlimited");
    text.append('\n');
  }

  private void network() {
    text.append("\nNetwork:\n");
    container
        .path("NetworkSettings")
        .path("Networks")
        .properties()
        .forEach(network ->
            text.append("  ")
                .append(network.getKey())
                .append(": ")
                .append(network.getValue().path("IPAddress").asText())
                .append('\n'));
  }

  private void ports() {
    text.append("\nPorts:\n");
    container
        .path("NetworkSettings")
        .path("Ports")
        .properties()
        .forEach(port -> port(port.getKey(), port.getValue()));
  }

  private void port(String name, JsonNode bindings) {
    if (!bindings.isArray() || bindings.isEmpty()) {
      text.append("  ").append(name).append(" -> (not bound)\n");
      return;
    }
    for (JsonNode binding : bindings) {
      text.append("  ").append(name).append(" -> ").append(binding.path("HostIp").asText());
      text.append(':').append(binding.path("HostPort").asText()).append('\n');
    }
  }

  private void labels() {
    text.append("\nLabels:\n");
    Map<String, String> sorted = new TreeMap<>(new ContainerView(container).rawLabels());
    sorted.forEach((key, value) -> pair(key, value));
  }

  private void environment() {
    text.append("\nEnvironment:\n");
    for (JsonNode entry : container.path("Config").path("Env")) {
      String[] parts = entry.asText().split("=", 2);
      pair(parts[0], parts.length > 1 ? parts[1] : "");
    }
  }

  private void pair(String key, String value) {
    boolean secret = SECRET.matcher(key.toUpperCase(Locale.ROOT)).find() && !value.isEmpty();
    // The names of metadata keys are no secret, though the label's own name says "key".
    boolean masked = secret && !key.equals(SandboxLabels.METADATA_KEYS);
    text.append("  ").append(key).append('=').append(masked ? "***" : value).append('\n');
  }
}
