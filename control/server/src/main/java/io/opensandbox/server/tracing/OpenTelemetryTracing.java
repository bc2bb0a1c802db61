package io.opensandbox.server.tracing;

import io.opensandbox.runtime.SandboxRuntime;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Traces by the OpenTelemetry SDK, which the standard `OTEL_*` variables configure.
final class OpenTelemetryTracing implements Tracing {
  private static final TextMapPropagator W3C = W3CTraceContextPropagator.getInstance();
  private static final TextMapGetter<UnaryOperator<String>> HEADERS = new HeaderGetter();

  private final OpenTelemetrySdk sdk;
  private final Tracer tracer;

  private OpenTelemetryTracing(OpenTelemetrySdk sdk) {
    this.sdk = sdk;
    this.tracer = sdk.getTracer("io.opensandbox.server");
  }

  /// Throws a `RuntimeException` when the variables make no sense.
  static Tracing open(Map<String, String> variables) {
    Map<String, String> properties = new HashMap<>();
    // Only this exporter's own HTTP client is there; gRPC would need another library.
    properties.put("otel.exporter.otlp.protocol", "http/protobuf");
    properties.put("otel.metrics.exporter", "none");
    properties.put("otel.logs.exporter", "none");
    properties.put("otel.service.name", "opensandbox-server");
    variables.forEach((name, value) -> {
      if (name.startsWith("OTEL_") && !value.isBlank()) {
        properties.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value);
      }
    });
    properties.put("otel.metrics.exporter", "none");
    properties.put("otel.logs.exporter", "none");
    return new OpenTelemetryTracing(
        AutoConfiguredOpenTelemetrySdk.builder()
            .addPropertiesCustomizer(_ -> properties)
            .disableShutdownHook()
            .build()
            .getOpenTelemetrySdk());
  }

  @Override
  public Span request(String method, UnaryOperator<String> header) {
    Context parent = W3C.extract(Context.root(), header, HEADERS);
    SpanBuilder builder = tracer.spanBuilder(method).setParent(parent).setSpanKind(SpanKind.SERVER);
    return new Recorded(builder.startSpan());
  }

  @Override
  public Span part(String name) {
    return part(name, SpanKind.INTERNAL);
  }

  @Override
  public Span remotePart(String name) {
    return part(name, SpanKind.CLIENT);
  }

  private Span part(String name, SpanKind kind) {
    Context current = Context.current();
    if (!io.opentelemetry.api.trace.Span.fromContext(current).getSpanContext().isValid()) {
      return Span.NONE;
    }
    return new Recorded(tracer.spanBuilder(name).setParent(current).setSpanKind(kind).startSpan());
  }

  @Override
  public SandboxRuntime watched(SandboxRuntime runtime) {
    return new TracedRuntime(runtime, this);
  }

  @Override
  public ExecutorService carrying(ExecutorService threads) {
    return Context.taskWrapping(threads);
  }

  @Override
  public void close() {
    sdk.close();
  }

  private static final class Recorded implements Span {
    private final io.opentelemetry.api.trace.Span span;

    Recorded(io.opentelemetry.api.trace.Span span) {
      this.span = span;
    }

    @Override
    public String traceId() {
      return span.getSpanContext().getTraceId();
    }

    @Override
    public Map<String, String> headers() {
      Map<String, String> headers = new HashMap<>();
      W3C.inject(
          Context.root().with(span),
          headers,
          (carrier, name, value) -> {
            if (carrier != null) {
              carrier.put(name, value);
            }
          });
      return headers;
    }

    @Override
    public void name(String name) {
      span.updateName(name);
    }

    @Override
    public void set(String key, String value) {
      span.setAttribute(key, value);
    }

    @Override
    public void set(String key, long value) {
      span.setAttribute(key, value);
    }

    @Override
    public void failed(String kind) {
      span.setAttribute("error.type", kind);
      span.setStatus(StatusCode.ERROR);
    }

    @Override
    @SuppressWarnings("MustBeClosedChecker") // the caller closes it, through ours
    public Scope enter() {
      return span.makeCurrent()::close;
    }

    @Override
    public void close() {
      span.end();
    }
  }

  private static final class HeaderGetter implements TextMapGetter<UnaryOperator<String>> {
    @Override
    public Iterable<String> keys(UnaryOperator<String> header) {
      return List.of();
    }

    @Override
    public @Nullable String get(@Nullable UnaryOperator<String> header, String name) {
      String value = header == null ? "" : header.apply(name);
      return value.isEmpty() ? null : value;
    }
  }
}
