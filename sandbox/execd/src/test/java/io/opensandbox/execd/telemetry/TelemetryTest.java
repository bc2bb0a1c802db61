package io.opensandbox.execd.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.event.EventBuffer;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.HttpLimits;
import io.opensandbox.execd.http.HttpObserver;
import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.metrics.Usage;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Against a collector that keeps what it gets.
@Timeout(180)
class TelemetryTest {
  private static final Clock CLOCK = Clock.system(ZoneOffset.UTC);

  private final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
  private final TestServer collector = new TestServer(collector());

  /// One request to the collector.
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Received(Map<String, String> headers, byte[] body) {}

  private Router collector() {
    Router router = new Router();
    router.add("POST", "/v1/metrics", this::keep);
    return router;
  }

  private void keep(Exchange exchange) throws IOException {
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    exchange.headers().forEach(headers::put);
    received.add(new Received(headers, exchange.readBody(1 << 20)));
    exchange.respondEmpty(200);
  }

  @AfterEach
  void stop() {
    collector.close();
  }

  private Telemetry telemetry(String... more) {
    return telemetry(
        warning -> {
          throw new AssertionError(warning);
        },
        more);
  }

  private Telemetry telemetry(Consumer<String> warnings, String... more) {
    Map<String, String> environment = new HashMap<>();
    environment.put("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + collector.server().port());
    environment.put("OPENSANDBOX_ID", "sbx");
    environment.put("OPENSANDBOX_EXECD_METRICS_EXTRA_ATTRS", "team=a");
    for (int i = 0; i < more.length; i += 2) {
      environment.put(more[i], more[i + 1]);
    }
    TelemetrySettings settings =
        TelemetrySettings.of(environment, Path.of("/nowhere"), "1.2").orElseThrow();
    return new Telemetry(settings, "1.2", Usage.ofSystem(CLOCK), CLOCK, warnings);
  }

  private static Router served() {
    Router router = new Router();
    router.add("GET", "/code/contexts/{id}", exchange -> exchange.respondEmpty(200));
    router.add(
        "GET",
        "/files/info",
        _ -> {
          throw new ExecdException(ErrorCode.FILE_NOT_FOUND, "no");
        });
    router.add("POST", "/files/mv", exchange -> exchange.respondEmpty(200));
    router.add("POST", "/command", exchange -> stream(exchange, true));
    router.add("POST", "/session/{id}/run", exchange -> stream(exchange, false));
    return router;
  }

  private static void stream(Exchange exchange, boolean success) throws IOException {
    EventStream stream = EventStream.start(exchange, CLOCK);
    EventBuffer events = new EventBuffer(CLOCK, stream);
    if (success) {
      events.complete(1);
      events.error("Late", "2", List.of());
    } else {
      events.error("CommandExecError", "1", List.of());
    }
    events.flush();
    stream.end(new byte[0], 0);
  }

  /// Makes some requests and waits until all of them are counted.
  private void use(Telemetry telemetry) throws IOException {
    Semaphore counted = new Semaphore(0);
    HttpObserver observer =
        HttpObserver.both(
            telemetry,
            new HttpObserver() {
              @Override
              public void finished(Exchange exchange, String route, int status, long nanos) {
                counted.release();
              }
            });
    try (TestServer server = new TestServer(served(), HttpLimits.DEFAULT, observer)) {
      assertThat(server.get("/code/contexts/7").status()).isEqualTo(200);
      assertThat(server.get("/files/info").status()).isEqualTo(404);
      assertThat(server.send("POST", "/files/mv", "[]").status()).isEqualTo(200);
      assertThat(server.send("POST", "/files/mv", "[]").status()).isEqualTo(200);
      assertThat(server.get("/unknown").status()).isEqualTo(404);
      for (String path : List.of("/command", "/session/5/run")) {
        RawClient.Response response = server.send("POST", path, "{}");
        assertThat(response.status()).isEqualTo(200);
      }
      counted.acquireUninterruptibly(7); // they are counted after they were answered
    }
  }

  private Map<String, ProtobufReader> metrics(byte[] message) {
    ProtobufReader resourceMetrics = ProtobufReader.of(message).message(1);
    assertThat(resourceMetrics.message(1).attributes(1))
        .containsEntry("service.name", "opensandbox-execd-1.2")
        .containsEntry("sandbox_id", "sbx");
    ProtobufReader scopeMetrics = resourceMetrics.message(2);
    assertThat(scopeMetrics.message(1).text(1)).isEqualTo("opensandbox/execd");
    Map<String, ProtobufReader> metrics = new TreeMap<>();
    scopeMetrics.messages(2).forEach(metric -> metrics.put(metric.text(1), metric));
    return metrics;
  }

  private static ProtobufReader metric(Map<String, ProtobufReader> metrics, String name) {
    return Objects.requireNonNull(metrics.get(name), name);
  }

  private Received next() throws InterruptedException {
    Received next = received.poll(60, TimeUnit.SECONDS);
    return Objects.requireNonNull(next, "the collector received nothing");
  }

  /// The points of a histogram by what tells them apart.
  private static Map<String, Long> counts(ProtobufReader metric, String... names) {
    Map<String, Long> counts = new TreeMap<>();
    for (ProtobufReader point : metric.message(9).messages(1)) {
      Map<String, Object> attributes = point.attributes(9);
      assertThat(attributes).containsEntry("sandbox_id", "sbx").containsEntry("team", "a");
      StringBuilder key = new StringBuilder();
      for (String name : names) {
        key.append(attributes.get(name)).append(' ');
      }
      counts.put(key.toString().strip(), point.number(4));
    }
    return counts;
  }

  @Test
  void sendsWhatTheContractNames() throws IOException, InterruptedException {
    try (Telemetry telemetry = telemetry()) {
      use(telemetry);
    }
    Received request = next();
    Map<String, ProtobufReader> metrics = metrics(request.body());

    assertThat(request.headers()).containsEntry("Content-Type", "application/x-protobuf");
    assertThat(metrics.keySet())
        .containsExactly(
            "execd.execution.duration",
            "execd.filesystem.operations.duration",
            "execd.http.request.duration",
            "execd.system.cpu.usage",
            "execd.system.memory.usage_bytes",
            "execd.system.network.connections.active",
            "execd.system.network.io.bytes",
            "execd.system.process.count");
    assertThat(
            counts(
                metric(metrics, "execd.http.request.duration"),
                "http_method",
                "http_route",
                "http_status_code"))
        .isEqualTo(
            Map.of(
                "GET /code/contexts/:contextId 200", 1L,
                "GET /files/info 404", 1L,
                "POST /files/mv 200", 2L,
                "GET unknown 404", 1L,
                "POST /command 200", 1L,
                "POST /session/:sessionId/run 200", 1L));
    assertThat(
            counts(metric(metrics, "execd.filesystem.operations.duration"), "operation", "result"))
        .isEqualTo(Map.of("info failure", 1L, "rename success", 2L));
    assertThat(counts(metric(metrics, "execd.execution.duration"), "operation", "result"))
        .isEqualTo(Map.of("run_command success", 1L, "run_in_session failure", 1L));
  }

  @Test
  void keepsToTheProtocol() throws IOException, InterruptedException {
    try (Telemetry telemetry = telemetry()) {
      use(telemetry);
    }
    Map<String, ProtobufReader> metrics = metrics(next().body());

    ProtobufReader http = metric(metrics, "execd.http.request.duration");
    assertThat(http.text(3)).isEqualTo("ms");
    assertThat(http.message(9).number(2)).as("cumulative").isEqualTo(2);
    ProtobufReader point = http.message(9).message(1);
    assertThat(point.number(2)).isPositive().isLessThanOrEqualTo(point.number(3));
    assertThat(point.longs(7)).hasSize(15);
    assertThat(point.longs(6)).hasSize(16);
    assertThat(point.longs(6).stream().mapToLong(Long::longValue).sum()).isEqualTo(point.number(4));
    assertThat(point.real(11)).isPositive().isLessThanOrEqualTo(point.real(12));
    ProtobufReader traffic = metric(metrics, "execd.system.network.io.bytes");
    assertThat(traffic.text(3)).isEqualTo("By");
    assertThat(traffic.message(7).number(2)).isEqualTo(2);
    assertThat(traffic.message(7).number(3)).as("monotonic").isEqualTo(1);
    assertThat(traffic.message(7).messages(1).stream().map(p -> p.attributes(7).get("direction")))
        .containsExactlyInAnyOrder("in", "out");
    assertThat(
            metric(metrics, "execd.system.network.connections.active")
                .message(5)
                .messages(1)
                .stream()
                .map(p -> p.attributes(7).get("protocol")))
        .containsExactlyInAnyOrder("tcp", "udp");
    assertThat(metric(metrics, "execd.system.process.count").message(5).message(1).number(6))
        .isPositive();
    assertThat(metric(metrics, "execd.system.memory.usage_bytes").message(5).message(1).number(6))
        .isPositive();
    assertThat(metric(metrics, "execd.system.cpu.usage").message(5).message(1).real(4))
        .isBetween(0.0, 100.0);
  }

  @Test
  void sendsInIntervalsCompressedAndAsDeltas() throws IOException, InterruptedException {
    try (Telemetry telemetry =
        telemetry(
            "OTEL_METRIC_EXPORT_INTERVAL", "50",
            "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip",
            "OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")) {
      use(telemetry);
      telemetry.start();
      Received first = next();
      Received second = next();

      assertThat(first.headers())
          .containsEntry("Content-Encoding", "gzip")
          .containsEntry("x-key", "secret");
      ProtobufReader http = metric(metrics(decompressed(first)), "execd.http.request.duration");
      assertThat(http.message(9).number(2)).as("delta").isEqualTo(1);
      assertThat(metrics(decompressed(second))).doesNotContainKey("execd.http.request.duration");
    }
  }

  @Test
  void tellsCountersOfTheSystemSinceTheStartWhereMemoryIsLow()
      throws IOException, InterruptedException {
    Telemetry telemetry =
        telemetry("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "lowmemory");
    use(telemetry);
    telemetry.send();
    use(telemetry);
    telemetry.send();
    Map<String, ProtobufReader> first = metrics(next().body());
    Map<String, ProtobufReader> second = metrics(next().body());

    ProtobufReader http = metric(second, "execd.http.request.duration").message(9);
    ProtobufReader earlier = metric(first, "execd.http.request.duration").message(9);
    assertThat(http.number(2)).as("delta").isEqualTo(1);
    assertThat(http.message(1).number(2)).isEqualTo(earlier.message(1).number(3));
    ProtobufReader traffic = metric(second, "execd.system.network.io.bytes").message(7);
    assertThat(traffic.number(2)).as("cumulative").isEqualTo(2);
    assertThat(traffic.message(1).number(2)).isEqualTo(earlier.message(1).number(2));
  }

  @Test
  void speaksProtobufOverHttpWhateverTheProtocolVariableSays()
      throws IOException, InterruptedException {
    telemetry("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").send();

    Received request = next();
    assertThat(request.headers()).containsEntry("Content-Type", "application/x-protobuf");
    assertThat(metrics(request.body())).containsKey("execd.system.process.count");
  }

  @Test
  void warnsOnceOfACollectorThatFails_andSaysWhenItFailsAgain() throws IOException {
    List<String> warnings = new CopyOnWriteArrayList<>();
    AtomicInteger status = new AtomicInteger(503);
    Router router = new Router();
    router.add("POST", "/own", exchange -> exchange.respondEmpty(status.get()));
    try (TestServer failing = new TestServer(router)) {
      Telemetry telemetry =
          telemetry(
              warnings::add,
              "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
              "http://127.0.0.1:" + failing.server().port() + "/own");

      telemetry.send();
      telemetry.send();
      assertThat(warnings).singleElement().asString().contains("/own", "503");
      status.set(200);
      telemetry.send();
      status.set(503);
      telemetry.send();
      assertThat(warnings).hasSize(2);

      use(telemetry); // requests are served as ever
      telemetry.close();
      assertThat(warnings).as("not sent at the end, as nobody listens").hasSize(2);
    }
  }

  private static byte[] decompressed(Received request) throws IOException {
    return new GZIPInputStream(new ByteArrayInputStream(request.body())).readAllBytes();
  }
}
