package io.opensandbox.server.tracing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TracingSettingsTest {
  private static Map<String, String> with(String name, String value) {
    Map<String, String> variables = new HashMap<>();
    variables.put("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    variables.put(name, value);
    return variables;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT | https://collector/in",
        "OTEL_EXPORTER_OTLP_PROTOCOL | http/protobuf",
        "OTEL_EXPORTER_OTLP_COMPRESSION | gzip",
        "OTEL_EXPORTER_OTLP_HEADERS | authorization=Basic dTpw+w==, ,x=%C3%A4",
        "OTEL_EXPORTER_OTLP_TIMEOUT | 10 s",
        "OTEL_BSP_EXPORT_TIMEOUT | 0",
        "OTEL_BSP_MAX_QUEUE_SIZE | 1",
        "OTEL_TRACES_SAMPLER | always_off",
        "OTEL_UNKNOWN | x",
      })
  void takesWhatTheSpecificationAllows(String name, String value) {
    TracingSettings.check(with(name, value));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OTEL_EXPORTER_OTLP_ENDPOINT | http://user:s3cret@collector | without user",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT | http://collector/?token=s3cret | query",
        "OTEL_EXPORTER_OTLP_ENDPOINT | ftp://s3cret | http or https",
        "OTEL_EXPORTER_OTLP_ENDPOINT | s3cret | http or https",
        "OTEL_EXPORTER_OTLP_ENDPOINT | http://s3cret here | http or https",
        "OTEL_EXPORTER_OTLP_PROTOCOL | grpc | http/protobuf, not \"grpc\"",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL | http/json | http/protobuf",
        "OTEL_EXPORTER_OTLP_COMPRESSION | zstd | gzip or none",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS | a=b,s3cret | entry 2",
        "OTEL_EXPORTER_OTLP_TIMEOUT | 0 | above 0",
        "OTEL_EXPORTER_OTLP_TIMEOUT | soon | milliseconds",
        "OTEL_BSP_SCHEDULE_DELAY | -1 | milliseconds",
        "OTEL_BSP_MAX_QUEUE_SIZE | 0 | from 1 to 1000000",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE | 9999999 | from 1 to 1000000",
        "OTEL_TRACES_SAMPLER | sometimes | always_on",
        "OTEL_EXPORTER_OTLP_CERTIFICATE | /not/there.pem | \"/not/there.pem\"",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY | /not/there.pem | go together",
      })
  void namesTheVariableAndWhatItMustBe(String name, String value, String told) {
    assertThatThrownBy(() -> TracingSettings.check(with(name, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(name)
        .hasMessageContaining(told)
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void aRatioIsFromNoneToAll() {
    Map<String, String> variables = with("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
    variables.put("OTEL_TRACES_SAMPLER_ARG", "0.25");
    TracingSettings.check(variables);

    variables.put("OTEL_TRACES_SAMPLER_ARG", "1.5");
    assertThatThrownBy(() -> TracingSettings.check(variables))
        .hasMessage("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not \"1.5\"");
  }

  @Test
  void aFileThatHoldsNoCertificateIsNamed(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("ca.pem"), "no certificate");

    assertThatThrownBy(
            () -> TracingSettings.check(with("OTEL_EXPORTER_OTLP_CERTIFICATE", file.toString())))
        .hasMessageContaining("OTEL_EXPORTER_OTLP_CERTIFICATE must name a file with certificates");
  }

  @Test
  void tellsWhereTheCollectorIs() {
    assertThat(TracingSettings.collector(with("A", ""))).isEqualTo("collector:4318");
    assertThat(
            TracingSettings.collector(
                with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example/v1")))
        .isEqualTo("traces.example:443");
  }
}
