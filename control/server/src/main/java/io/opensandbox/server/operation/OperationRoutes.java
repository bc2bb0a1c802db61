package io.opensandbox.server.operation;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.Health;
import io.opensandbox.protocol.lifecycle.RuntimeCapabilities;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxPlatform;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.http.Exchange;
import io.opensandbox.server.http.RequestCounter;
import io.opensandbox.server.http.RouteTable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// The routes `/health`, `/ready`, `/metrics` and `/capabilities`.
public final class OperationRoutes {
  private final SandboxRuntime runtime;
  private final Runnable storeCheck;
  private final Supplier<Map<String, Integer>> sandboxesByState;
  private final RequestCounter requests;
  private final List<MetricFamily> more;

  /// @param storeCheck fails when the store takes no changes
  /// @param sandboxesByState counts them; fails when the store does not answer
  /// @param more families of `/metrics`, of features
  public OperationRoutes(
      SandboxRuntime runtime,
      Runnable storeCheck,
      Supplier<Map<String, Integer>> sandboxesByState,
      RequestCounter requests,
      List<MetricFamily> more) {
    this.runtime = runtime;
    this.storeCheck = storeCheck;
    this.sandboxesByState = sandboxesByState;
    this.requests = requests;
    this.more = List.copyOf(more);
  }

  /// Adds the routes.
  public void register(RouteTable routes) {
    routes.addAtRoot("GET", "/health", exchange -> exchange.reply(200, new Health("healthy")));
    routes.addAtRoot("GET", "/ready", this::ready);
    routes.addAtRoot("GET", "/metrics", this::metrics);
    routes.add("GET", "/capabilities", this::capabilities);
  }

  private void ready(Exchange exchange) {
    storeCheck.run();
    Optional<String> unhealthy = runtime.unhealthyReason();
    if (unhealthy.isPresent()) {
      throw new SandboxException(ErrorCode.RUNTIME_UNAVAILABLE, unhealthy.get());
    }
    exchange.reply(200, new Health("ready"));
  }

  private void capabilities(Exchange exchange) {
    Capabilities capabilities = runtime.capabilities();
    List<String> features =
        capabilities.features().stream()
            .map(feature -> feature.name().toLowerCase(Locale.ROOT))
            .sorted()
            .toList();
    exchange.reply(
        200,
        new RuntimeCapabilities(
            runtime.name(),
            features,
            new SandboxPlatform(capabilities.platformOs(), capabilities.platformArch())));
  }

  private void metrics(Exchange exchange) {
    if (!exchange.caller().tenant().isEmpty()) {
      throw new SandboxException(
          ErrorCode.FORBIDDEN,
          "the API key \"%s\" belongs to a tenant; /metrics tells about all and needs a key without"
              .formatted(exchange.caller().name()));
    }
    exchange.replyBytes(
        200,
        "text/plain; version=0.0.4; charset=utf-8",
        metricsText().getBytes(StandardCharsets.UTF_8));
  }

  private String metricsText() {
    var out = new StringBuilder();
    header(out, "opensandbox_sandboxes", "gauge", "Sandboxes by state.");
    sandboxesByState
        .get()
        .forEach(
            (state, count) -> line(out, "opensandbox_sandboxes", "state=\"" + state + "\"", count));
    more.forEach(family -> family.write(out));
    header(out, "opensandbox_http_requests_total", "counter", "Requests by method and status.");
    requests
        .snapshot()
        .forEach((series, totals) ->
            line(out, "opensandbox_http_requests_total", labels(series), totals.requests()));
    header(
        out,
        "opensandbox_http_request_seconds_total",
        "counter",
        "Time spent on requests by method and status.");
    requests
        .snapshot()
        .forEach((series, totals) ->
            line(
                out,
                "opensandbox_http_request_seconds_total",
                labels(series),
                totals.micros() / 1e6));
    header(out, "opensandbox_runtime_up", "gauge", "Whether the runtime answers.");
    line(out, "opensandbox_runtime_up", "", runtime.unhealthyReason().isEmpty() ? 1 : 0);
    Runtime jvm = Runtime.getRuntime();
    header(out, "process_heap_bytes", "gauge", "Heap in use.");
    line(out, "process_heap_bytes", "", jvm.totalMemory() - jvm.freeMemory());
    return out.toString();
  }

  private static String labels(RequestCounter.Series series) {
    return "method=\"" + series.method() + "\",status=\"" + series.status() + "\"";
  }

  private static void header(StringBuilder out, String name, String type, String help) {
    out.append("# HELP ").append(name).append(' ').append(help).append('\n');
    out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  private static void line(StringBuilder out, String name, String labels, Number value) {
    out.append(name);
    if (!labels.isEmpty()) {
      out.append('{').append(labels).append('}');
    }
    out.append(' ').append(value).append('\n');
  }
}
