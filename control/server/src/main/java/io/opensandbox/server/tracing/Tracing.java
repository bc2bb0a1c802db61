package io.opensandbox.server.tracing;

import io.opensandbox.runtime.SandboxRuntime;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Makes spans and sends them to a collector.
public interface Tracing extends AutoCloseable {
  /// Makes spans that nobody hears of.
  Tracing OFF = new NoTracing();

  /// The tracing that the standard variables of OpenTelemetry ask for. It is off unless
  /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` is there, and when the
  /// variables make no sense, which is logged.
  static Tracing of(Map<String, String> variables) {
    if (!isWanted(variables)) {
      return OFF;
    }
    try {
      return OpenTelemetryTracing.open(variables);
    } catch (RuntimeException e) {
      Logger log = LoggerFactory.getLogger(Tracing.class);
      log.warn("no traces are sent: {}", e.getMessage());
      return OFF;
    }
  }

  private static boolean isWanted(Map<String, String> variables) {
    boolean endpoint =
        !variables.getOrDefault("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").isBlank()
            || !variables.getOrDefault("OTEL_EXPORTER_OTLP_ENDPOINT", "").isBlank();
    boolean disabled = variables.getOrDefault("OTEL_SDK_DISABLED", "").equalsIgnoreCase("true");
    String exporter = variables.getOrDefault("OTEL_TRACES_EXPORTER", "").strip();
    return endpoint && !disabled && (exporter.isEmpty() || exporter.equals("otlp"));
  }

  /// Begins the span of a request that has arrived, within the trace that its headers name.
  ///
  /// @param header gives the value of a request header, empty when it is not there
  Span request(String method, UnaryOperator<String> header);

  /// Begins a part of what this thread is at; [Span#NONE] when that is not traced.
  Span part(String name);

  /// Begins a part that another program does for us; [Span#NONE] when this thread's work is not
  /// traced.
  Span remotePart(String name);

  /// `runtime`, with its calls as parts of the requests that they are for.
  SandboxRuntime watched(SandboxRuntime runtime);

  /// Threads that go on with what the thread was at that gave them the work.
  ExecutorService carrying(ExecutorService threads);

  /// Sends what is left, for three seconds at most.
  @Override
  void close();
}
