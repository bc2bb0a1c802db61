package io.opensandbox.execd.telemetry;

import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// Where metrics go and what goes with them.
///
/// @param endpoint the whole URL
/// @param headers of each request
/// @param timeout of each request
/// @param interval between two
/// @param gzip whether bodies are compressed
/// @param temporality which numbers tell only what is new since the last export
/// @param resource attributes of the whole
/// @param attributes of each data point
public record TelemetrySettings(
    URI endpoint,
    Map<String, String> headers,
    Duration timeout,
    Duration interval,
    boolean gzip,
    Temporality temporality,
    Map<String, String> resource,
    Map<String, String> attributes) {
  private static final String PREFIX = "OTEL_EXPORTER_OTLP_";
  private static final String METRICS_PREFIX = PREFIX + "METRICS_";

  /// What each export tells only the news of.
  public enum Temporality {
    /// Nothing: all numbers are since the start.
    CUMULATIVE(false, false),
    /// Durations and what the system counts.
    DELTA(true, true),
    /// Durations: what the system counts would have to be remembered for that.
    LOWMEMORY(true, false);

    private final boolean histograms;
    private final boolean counters;

    Temporality(boolean histograms, boolean counters) {
      this.histograms = histograms;
      this.counters = counters;
    }

    /// Whether distributions begin anew with each export.
    public boolean renewsHistograms() {
      return histograms;
    }

    /// Whether counters of the system begin anew with each export.
    public boolean renewsCounters() {
      return counters;
    }

    private static Temporality of(String name) {
      return switch (name.strip().toLowerCase(Locale.ROOT)) {
        case "delta" -> DELTA;
        case "lowmemory" -> LOWMEMORY;
        default -> CUMULATIVE;
      };
    }
  }

  /// Copies the maps.
  public TelemetrySettings {
    headers = Map.copyOf(headers);
    resource = Map.copyOf(resource);
    attributes = Map.copyOf(attributes);
  }

  /// What the environment asks for; empty when it names no endpoint.
  ///
  /// @param hostInfo the file that may name the host's address
  /// @throws IllegalArgumentException names the variable and what is allowed
  public static Optional<TelemetrySettings> of(
      Map<String, String> environment, Path hostInfo, String version) {
    if (environment.getOrDefault("OTEL_SDK_DISABLED", "").equalsIgnoreCase("true")) {
      return Optional.empty();
    }
    return endpoint(environment, hostInfo)
        .map(endpoint ->
            new TelemetrySettings(
                endpoint,
                pairs(specific(environment, "HEADERS", ""), true),
                millis(environment, PREFIX + "TIMEOUT", METRICS_PREFIX + "TIMEOUT", "10000"),
                millis(environment, "OTEL_METRIC_EXPORT_INTERVAL", "", "60000"),
                specific(environment, "COMPRESSION", "none").equals("gzip"),
                Temporality.of(
                    environment.getOrDefault(METRICS_PREFIX + "TEMPORALITY_PREFERENCE", "")),
                resource(environment, version),
                attributes(environment)));
  }

  private static Optional<URI> endpoint(Map<String, String> environment, Path hostInfo) {
    String own = environment.getOrDefault(METRICS_PREFIX + "ENDPOINT", "").strip();
    if (!own.isEmpty()) {
      return Optional.of(uri(METRICS_PREFIX + "ENDPOINT", own));
    }
    String general = environment.getOrDefault(PREFIX + "ENDPOINT", "").strip();
    if (!general.isEmpty()) {
      String base = general.endsWith("/") ? general : general + "/";
      return Optional.of(uri(PREFIX + "ENDPOINT", base + "v1/metrics"));
    }
    return hostAddress(environment.getOrDefault("HOST_IP", ""), hostInfo)
        .map(address -> URI.create("http://" + address + ":4318/v1/metrics"));
  }

  private static URI uri(String variable, String text) {
    try {
      URI uri = URI.create(text);
      String scheme = String.valueOf(uri.getScheme());
      if (uri.getHost() != null && (scheme.equals("http") || scheme.equals("https"))) {
        return uri;
      }
    } catch (IllegalArgumentException _) { // answered below
    }
    throw new IllegalArgumentException(
        variable + " must be an http or https URL, not \"" + text + "\"");
  }

  private static Optional<String> hostAddress(String variable, Path hostInfo) {
    Optional<String> address = literal(variable);
    if (address.isPresent()) {
      return address;
    }
    try {
      for (String line : Files.readAllLines(hostInfo)) {
        address = literal(line);
        if (address.isPresent()) {
          return address;
        }
      }
    } catch (IOException _) { // most sandboxes have no such file
      return Optional.empty();
    }
    return Optional.empty();
  }

  private static Optional<String> literal(String text) {
    String address = text.strip();
    if (address.isEmpty()) {
      return Optional.empty();
    }
    try {
      InetAddress.ofLiteral(address);
      return Optional.of(address.indexOf(':') < 0 ? address : "[" + address + "]");
    } catch (IllegalArgumentException _) {
      return Optional.empty();
    }
  }

  private static String specific(Map<String, String> environment, String name, String usual) {
    String own = environment.getOrDefault(METRICS_PREFIX + name, "");
    return own.isEmpty() ? environment.getOrDefault(PREFIX + name, usual) : own;
  }

  private static Duration millis(
      Map<String, String> environment, String general, String own, String usual) {
    String name = environment.getOrDefault(own, "").isEmpty() ? general : own;
    String text = environment.getOrDefault(name, "").isEmpty() ? usual : environment.get(name);
    try {
      long millis = Long.parseLong(String.valueOf(text).strip());
      if (millis > 0 && millis <= Integer.MAX_VALUE) {
        return Duration.ofMillis(millis);
      }
    } catch (NumberFormatException _) { // answered below
    }
    throw new IllegalArgumentException(
        name + " must be milliseconds above 0, not \"" + text + "\"");
  }

  private static Map<String, String> resource(Map<String, String> environment, String version) {
    Map<String, String> resource =
        new LinkedHashMap<>(pairs(environment.getOrDefault("OTEL_RESOURCE_ATTRIBUTES", ""), true));
    resource.put("service.name", "opensandbox-execd-" + version);
    addSandbox(resource, environment);
    return resource;
  }

  private static Map<String, String> attributes(Map<String, String> environment) {
    String extra = environment.getOrDefault("OPENSANDBOX_EXECD_METRICS_EXTRA_ATTRS", "");
    Map<String, String> attributes = new LinkedHashMap<>(pairs(extra, false));
    addSandbox(attributes, environment);
    return attributes;
  }

  private static void addSandbox(Map<String, String> to, Map<String, String> environment) {
    String id = environment.getOrDefault("OPENSANDBOX_ID", "");
    if (!id.isEmpty()) {
      to.put("sandbox_id", id);
    }
  }

  /// `k=v,k2=v2`; an entry without key or value is skipped.
  private static Map<String, String> pairs(String text, boolean encoded) {
    Map<String, String> pairs = new LinkedHashMap<>();
    for (String entry : text.split(",", -1)) {
      int equals = entry.indexOf('=');
      String key = entry.substring(0, Math.max(0, equals)).strip();
      String value = entry.substring(equals + 1).strip();
      if (!key.isEmpty() && !value.isEmpty()) {
        pairs.put(key, encoded ? decoded(value) : value);
      }
    }
    return pairs;
  }

  private static String decoded(String value) {
    try {
      return URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException _) { // a stray percent sign stands for itself
      return value;
    }
  }
}
