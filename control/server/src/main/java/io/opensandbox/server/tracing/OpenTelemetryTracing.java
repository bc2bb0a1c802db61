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
import io.opentelemetry.sdk.common.CompletableResultCode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Traces by the OpenTelemetry SDK, which the standard `OTEL_*` variables configure.
final class OpenTelemetryTracing implements Tracing {
  private static final Logger LOG = LoggerFactory.getLogger(Tracing.class);
  private static final TextMapPropagator W3C = W3CTraceContextPropagator.getInstance();
  private static final TextMapGetter<UnaryOperator<String>> HEADERS = new HeaderGetter();

  private static final String SERVICE_NAME = "otel.service.name";
  private static final Duration FLUSH_LIMIT = Duration.ofSeconds(2);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(1);

  private final OpenTelemetrySdk sdk;
  private final Tracer tracer;
  private final ReportingExporter exporter;
  private final LongAdder ended = new LongAdder();

  private OpenTelemetryTracing(OpenTelemetrySdk sdk, ReportingExporter exporter) {
    this.sdk = sdk;
    this.exporter = exporter;
    this.tracer = sdk.getTracer("io.opensandbox.server");
  }

  /// Throws a `RuntimeException` when the variables make no sense.
  static Tracing open(Map<String, String> variables) {
    TracingSettings.check(variables);
    SdkLog.begin();
    var exporter = new AtomicReference<ReportingExporter>();
    String collector = TracingSettings.collector(variables);
    OpenTelemetrySdk sdk =
        AutoConfiguredOpenTelemetrySdk.builder()
            .addPropertiesCustomizer(_ -> properties(variables))
            .addSpanExporterCustomizer((plain, _) -> {
              var reporting = new ReportingExporter(plain, collector);
              exporter.set(reporting);
              return reporting;
            })
            .disableShutdownHook()
            .build()
            .getOpenTelemetrySdk();
    return new OpenTelemetryTracing(sdk, Objects.requireNonNull(exporter.get()));
  }

  private static Map<String, String> properties(Map<String, String> variables) {
    Map<String, String> properties = new HashMap<>();
    // Only this exporter's own HTTP client is there; gRPC would need another library.
    properties.put("otel.exporter.otlp.protocol", "http/protobuf");
    variables.forEach((name, value) -> {
      if (name.startsWith("OTEL_") && !value.isBlank()) {
        String given = name.endsWith("_HEADERS") ? TracingSettings.encodedForSdk(value) : value;
        properties.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), given.strip());
      }
    });
    properties.put("otel.metrics.exporter", "none");
    properties.put("otel.logs.exporter", "none");
    boolean named =
        Stream.of(properties.getOrDefault("otel.resource.attributes", "").split(","))
            .anyMatch(attribute -> attribute.strip().matches("service\\.name\\s*=.+"));
    if (!named) {
      properties.putIfAbsent(SERVICE_NAME, "opensandbox-server");
    }
    return properties;
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
    CompletableResultCode stopped = sdk.shutdown();
    stopped.join(FLUSH_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    if (!stopped.isDone()) {
      exporter.closing();
      CompletableResultCode _ =
          exporter.shutdown().join(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      stopped.join(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    }
    long left = ended.sum() - exporter.settled();
    if (left > 0) {
      LOG.warn(
          "{} not reached {} before the stop",
          ReportingExporter.spans(left, "has", "have"),
          exporter.collector());
    }
  }

  private final class Recorded implements Span {
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
      boolean first = span.isRecording() && span.getSpanContext().isSampled();
      span.end();
      if (first) {
        ended.increment();
      }
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
