/// OpenTelemetry metrics (OTLP over HTTP with protobuf), when an endpoint is set. Without one,
/// nothing of this package is loaded but its settings, which find that out.
///
/// Requests and what came of them are told by the HTTP server as they end; the system's numbers are
/// read when they are sent. There are no traces and no logs. The few messages of the protocol that
/// metrics need are written here, which costs 10 KiB where the OpenTelemetry SDK costs megabytes.
///
/// Source: opentelemetry-proto v1, `metrics/v1/metrics.proto`, and the specification's "OTLP
/// Exporter Configuration".
@NullMarked
package io.opensandbox.execd.telemetry;

import org.jspecify.annotations.NullMarked;
