package io.opensandbox.execd.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.execd.telemetry.TelemetrySettings.Temporality;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TelemetrySettingsTest {
  @TempDir private Path directory;

  private Optional<TelemetrySettings> settings(Map<String, String> environment) {
    return TelemetrySettings.of(environment, directory.resolve("hostinfo"), "1.2");
  }

  private URI endpoint(Map<String, String> environment) {
    return settings(environment).orElseThrow().endpoint();
  }

  @Test
  void isOffWithoutAnEndpoint() {
    assertThat(settings(Map.of("HOST_IP", "no address", "OPENSANDBOX_ID", "x"))).isEmpty();
    assertThat(settings(Map.of("HOST_IP", "10.0.0.1", "OTEL_SDK_DISABLED", "true"))).isEmpty();
  }

  @Test
  void takesTheFirstOfFourEndpoints() throws IOException {
    String own = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    String general = "OTEL_EXPORTER_OTLP_ENDPOINT";
    Files.writeString(directory.resolve("hostinfo"), "host\n\n10.0.0.2\n10.0.0.3\n");

    assertThat(endpoint(Map.of(own, "https://a/x", general, "http://b:1", "HOST_IP", "10.0.0.1")))
        .isEqualTo(URI.create("https://a/x"));
    assertThat(endpoint(Map.of(general, "http://b:1", "HOST_IP", "10.0.0.1")))
        .isEqualTo(URI.create("http://b:1/v1/metrics"));
    assertThat(endpoint(Map.of(general, "http://b:1/otlp/")))
        .isEqualTo(URI.create("http://b:1/otlp/v1/metrics"));
    assertThat(endpoint(Map.of("HOST_IP", "10.0.0.1")))
        .isEqualTo(URI.create("http://10.0.0.1:4318/v1/metrics"));
    assertThat(endpoint(Map.of("HOST_IP", "fd00::1")))
        .isEqualTo(URI.create("http://[fd00::1]:4318/v1/metrics"));
    assertThat(endpoint(Map.of())).isEqualTo(URI.create("http://10.0.0.2:4318/v1/metrics"));
  }

  @ParameterizedTest
  @CsvSource({
    "http://c:4318,http://c:4318/v1/metrics",
    "http://c:4318/,http://c:4318/v1/metrics",
    "https://c/otlp,https://c/otlp/v1/metrics",
    "https://c/otlp/,https://c/otlp/v1/metrics"
  })
  void joinsThePathToTheGeneralEndpointOnly(String given, String used) {
    assertThat(endpoint(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", given))).isEqualTo(URI.create(used));
    assertThat(endpoint(Map.of("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", given)))
        .isEqualTo(URI.create(given));
  }

  @Test
  void prefersTheVariablesOfMetrics() {
    TelemetrySettings settings =
        settings(
                Map.of(
                    "OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:1",
                    "OTEL_EXPORTER_OTLP_HEADERS", "a=general",
                    "OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=own",
                    "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip",
                    "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none",
                    "OTEL_EXPORTER_OTLP_TIMEOUT", "1",
                    "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2"))
            .orElseThrow();

    assertThat(settings.headers()).isEqualTo(Map.of("a", "own"));
    assertThat(settings.gzip()).isFalse();
    assertThat(settings.timeout()).isEqualTo(Duration.ofMillis(2));
  }

  @ParameterizedTest
  @CsvSource({
    "cumulative,CUMULATIVE",
    "DELTA,DELTA",
    "LowMemory,LOWMEMORY",
    "something,CUMULATIVE"
  })
  void readsTheTemporality(String preference, Temporality temporality) {
    String name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";

    assertThat(settings(Map.of("HOST_IP", "10.0.0.1", name, preference)))
        .hasValueSatisfying(settings -> assertThat(settings.temporality()).isEqualTo(temporality));
  }

  @Test
  void hasDefaults() {
    assertThat(settings(Map.of("HOST_IP", "10.0.0.1")))
        .contains(
            new TelemetrySettings(
                URI.create("http://10.0.0.1:4318/v1/metrics"),
                Map.of(),
                Duration.ofSeconds(10),
                Duration.ofSeconds(60),
                false,
                Temporality.CUMULATIVE,
                Map.of("service.name", "opensandbox-execd-1.2"),
                Map.of()));
  }

  @Test
  void readsEveryVariable() {
    Map<String, String> environment =
        Map.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:1",
            "OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x, a = b",
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "500",
            "OTEL_METRIC_EXPORT_INTERVAL", "1000",
            "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta",
            "OTEL_RESOURCE_ATTRIBUTES", "team=a,service.name=ignored",
            "OTEL_SERVICE_NAME", "ignored",
            "OPENSANDBOX_ID", "sbx",
            "OPENSANDBOX_EXECD_METRICS_EXTRA_ATTRS", " k = v ,=w,x=,k2=v2=3");

    assertThat(settings(environment))
        .contains(
            new TelemetrySettings(
                URI.create("http://b:1/v1/metrics"),
                Map.of("authorization", "Bearer x", "a", "b"),
                Duration.ofMillis(500),
                Duration.ofSeconds(1),
                true,
                Temporality.DELTA,
                Map.of("team", "a", "service.name", "opensandbox-execd-1.2", "sandbox_id", "sbx"),
                Map.of("k", "v", "k2", "v2=3", "sandbox_id", "sbx")));
  }

  @ParameterizedTest
  @CsvSource({
    "OTEL_EXPORTER_OTLP_ENDPOINT,grpc://b:1",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,b:1",
    "OTEL_METRIC_EXPORT_INTERVAL,1s",
    "OTEL_EXPORTER_OTLP_TIMEOUT,0"
  })
  void namesABadVariable(String name, String value) {
    assertThatThrownBy(() -> settings(Map.of("HOST_IP", "10.0.0.1", name, value)))
        .hasMessageContaining(name)
        .hasMessageContaining(value);
  }
}
