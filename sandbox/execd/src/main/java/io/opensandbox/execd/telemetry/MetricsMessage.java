package io.opensandbox.execd.telemetry;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/// Builds an `ExportMetricsServiceRequest`.
final class MetricsMessage {
  private static final int DELTA = 1;
  private static final int CUMULATIVE = 2;

  private final TelemetrySettings settings;
  private final String version;
  private final Span span;
  private final Protobuf metrics = new Protobuf();

  /// The time that the numbers are about, in nanoseconds since 1970.
  ///
  /// @param last when the message before was made; the start for the first one
  record Span(long start, long last, long end) {}

  MetricsMessage(TelemetrySettings settings, String version, Span span) {
    this.settings = settings;
    this.version = version;
    this.span = span;
  }

  /// The whole message.
  byte[] bytes() {
    byte[] collected = metrics.bytes();
    return new Protobuf()
        .message(
            1,
            resourceMetrics -> {
              resourceMetrics.message(1, this::resource);
              resourceMetrics.message(
                  2,
                  scopeMetrics -> {
                    scopeMetrics.message(
                        1, scope -> scope.text(1, "opensandbox/execd").text(2, version));
                    scopeMetrics.append(collected);
                  });
            })
        .bytes();
  }

  private void resource(Protobuf resource) {
    new TreeMap<>(settings.resource())
        .forEach((name, value) -> attribute(resource, 1, name, value));
    attribute(resource, 1, "telemetry.sdk.language", "java");
    attribute(resource, 1, "telemetry.sdk.name", "opensandbox-execd");
    attribute(resource, 1, "telemetry.sdk.version", version);
  }

  private static void attribute(Protobuf to, int field, String name, String value) {
    to.message(field, pair -> pair.text(1, name).message(2, any -> any.text(1, value)));
  }

  private void attributes(Protobuf point, int field, Attributes attributes) {
    attributes
        .textsWith(settings.attributes())
        .forEach((name, value) -> attribute(point, field, name, value));
    attributes
        .numbers()
        .forEach((name, value) ->
            point.message(
                field, pair -> pair.text(1, name).message(2, any -> any.varint(3, value))));
  }

  void gauge(String name, String unit, double value) {
    metric(name, unit, 5, gauge -> gauge.message(1, point -> numberPoint(point, value)));
  }

  void gauge(String name, String unit, Map<Attributes, Long> values) {
    metric(name, unit, 5, gauge -> integers(gauge, values, false));
  }

  /// A counter that only grows.
  void counter(String name, String unit, Map<Attributes, Long> values) {
    metric(
        name,
        unit,
        7,
        sum -> {
          boolean delta = settings.temporality().renewsCounters();
          integers(sum, values, delta);
          sum.varint(2, kind(delta)).varint(3, 1);
        });
  }

  void histogram(String name, String unit, Map<Attributes, Histogram.Reading> readings) {
    metric(
        name,
        unit,
        9,
        histogram -> {
          readings.forEach((attributes, reading) ->
              histogram.message(1, point -> histogramPoint(point, attributes, reading)));
          histogram.varint(2, kind(settings.temporality().renewsHistograms()));
        });
  }

  private static int kind(boolean delta) {
    return delta ? DELTA : CUMULATIVE;
  }

  private void metric(String name, String unit, int kind, Consumer<Protobuf> data) {
    metrics.message(
        2,
        metric -> {
          metric.text(1, name);
          if (!unit.isEmpty()) {
            metric.text(3, unit);
          }
          metric.message(kind, data);
        });
  }

  private void integers(Protobuf data, Map<Attributes, Long> values, boolean delta) {
    values.forEach((attributes, value) ->
        data.message(
            1,
            point -> {
              times(point, delta).fixed64(6, value);
              attributes(point, 7, attributes);
            }));
  }

  private void numberPoint(Protobuf point, double value) {
    times(point, false).number(4, value);
    attributes(point, 7, Attributes.NONE);
  }

  private void histogramPoint(Protobuf point, Attributes attributes, Histogram.Reading reading) {
    times(point, settings.temporality().renewsHistograms())
        .fixed64(4, reading.count())
        .number(5, reading.sum())
        .packedFixed64(6, reading.counts())
        .packedNumbers(7, reading.bounds());
    attributes(point, 9, attributes);
    point.number(11, reading.min()).number(12, reading.max());
  }

  private Protobuf times(Protobuf point, boolean delta) {
    return point.fixed64(2, delta ? span.last() : span.start()).fixed64(3, span.end());
  }
}
