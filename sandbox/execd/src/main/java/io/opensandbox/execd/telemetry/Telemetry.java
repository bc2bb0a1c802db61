package io.opensandbox.execd.telemetry;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.HttpObserver;
import io.opensandbox.execd.metrics.Usage;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// Counts what happens, and sends it now and then.
public final class Telemetry implements HttpObserver, AutoCloseable {
  private static final String HTTP = "execd.http.request.duration";
  private static final String EXECUTION = "execd.execution.duration";
  private static final String FILE_SYSTEM = "execd.filesystem.operations.duration";

  private final TelemetrySettings settings;
  private final String version;
  private final Usage usage;
  private final Clock clock;
  private final Consumer<String> warnings;
  private final Instant start;
  private final SystemNumbers system = new SystemNumbers(Path.of("/proc"));

  /// Guarded by this, like all that follows.
  private final Map<String, Map<Attributes, Histogram>> histograms = new LinkedHashMap<>();

  private SystemNumbers.Traffic before = new SystemNumbers.Traffic(0, 0);
  private Instant last;
  private boolean warned;
  private boolean closed;

  /// Begins to count, from now on.
  ///
  /// @param warnings told once when the endpoint cannot be reached
  public Telemetry(
      TelemetrySettings settings,
      String version,
      Usage usage,
      Clock clock,
      Consumer<String> warnings) {
    this.settings = settings;
    this.version = version;
    this.usage = usage;
    this.clock = clock;
    this.warnings = warnings;
    this.start = clock.instant();
    this.last = start;
    for (String name : new String[] {HTTP, EXECUTION, FILE_SYSTEM}) {
      histograms.put(name, new LinkedHashMap<>());
    }
  }

  /// Begins to send.
  public void start() {
    Thread.ofVirtual().name("telemetry").start(this::sendNowAndThen);
  }

  @Override
  public void finished(Exchange exchange, String pattern, int status, long nanos) {
    double millis = nanos / 1e6;
    Attributes http =
        new Attributes(
            Map.of(
                "http_method",
                Operations.method(exchange.method()),
                "http_route",
                Operations.route(pattern)),
            Map.of("http_status_code", (long) status));
    record(HTTP, http, millis);
    Operations.file(exchange.method(), pattern)
        .ifPresent(operation -> record(FILE_SYSTEM, result(operation, isSuccess(status)), millis));
    Operations.execution(exchange.method(), pattern)
        .filter(_ -> status == 200)
        .ifPresent(operation ->
            record(EXECUTION, result(operation, exchange.outcome().orElse(false)), millis));
  }

  private static boolean isSuccess(int status) {
    return status >= 200 && status < 400;
  }

  private static Attributes result(String operation, boolean success) {
    return Attributes.of("operation", operation, "result", success ? "success" : "failure");
  }

  private synchronized void record(String name, Attributes attributes, double millis) {
    histograms
        .getOrDefault(name, Map.of())
        .computeIfAbsent(attributes, _ -> new Histogram())
        .record(millis);
  }

  private void sendNowAndThen() {
    try {
      while (awaitNext()) {
        send();
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /// @return false when there is no next time
  private synchronized boolean awaitNext() throws InterruptedException {
    long deadline = System.nanoTime() + settings.interval().toNanos();
    while (!closed) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return true;
      }
      TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
    }
    return false;
  }

  /// Sends everything up to now.
  void send() {
    byte[] message = collect();
    try {
      new OtlpEndpoint(settings).send(message);
      warned(false);
    } catch (IOException e) {
      if (warned(true)) {
        warnings.accept("cannot send metrics to " + settings.endpoint() + ": " + e.getMessage());
      }
    }
  }

  /// @return whether this is news
  private synchronized boolean warned(boolean now) {
    boolean news = now && !warned;
    warned = now;
    return news;
  }

  private synchronized byte[] collect() {
    Instant now = clock.instant();
    var message =
        new MetricsMessage(
            settings, version, new MetricsMessage.Span(nanos(start), nanos(last), nanos(now)));
    histograms.forEach((name, byAttributes) -> {
      Map<Attributes, Histogram.Reading> readings = new LinkedHashMap<>();
      byAttributes.forEach((attributes, histogram) -> readings.put(attributes, histogram.read()));
      if (!readings.isEmpty()) {
        message.histogram(name, "ms", readings);
      }
    });
    addSystem(message);
    if (settings.temporality().renewsHistograms()) {
      histograms.values().forEach(Map::clear);
    }
    last = now;
    return message.bytes();
  }

  private void addSystem(MetricsMessage message) {
    message.gauge("execd.system.process.count", "", Map.of(Attributes.NONE, system.processes()));
    Usage.Reading reading = usage.read();
    message.gauge("execd.system.cpu.usage", "%", reading.cpuPercent());
    message.gauge(
        "execd.system.memory.usage_bytes", "By", Map.of(Attributes.NONE, reading.memoryBytes()));
    SystemNumbers.Traffic traffic = system.traffic();
    message.counter(
        "execd.system.network.io.bytes",
        "By",
        Map.of(
            Attributes.of("direction", "in"), traffic.in() - before.in(),
            Attributes.of("direction", "out"), traffic.out() - before.out()));
    if (settings.temporality().renewsCounters()) {
      before = traffic;
    }
    message.gauge(
        "execd.system.network.connections.active",
        "",
        Map.of(
            Attributes.of("protocol", "tcp"), system.tcpConnections(),
            Attributes.of("protocol", "udp"), system.udpSockets()));
  }

  private static long nanos(Instant instant) {
    return TimeUnit.SECONDS.toNanos(instant.getEpochSecond()) + instant.getNano();
  }

  /// Sends what has not been sent and stops. Where nobody has listened the last time, it does not
  /// try again, so that an end is not held up.
  @Override
  public void close() {
    boolean inVain;
    synchronized (this) {
      inVain = closed || warned;
      closed = true;
      notifyAll();
    }
    if (!inVain) {
      send();
    }
  }
}
