package io.opensandbox.server.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.server.CapturedLog;
import io.opensandbox.server.TestServer;
import io.opensandbox.server.tracing.FakeCollector.Seen;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a collector gets to see of requests, and what goes on to sandboxes.
class TracingTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String PARENT = "00f067aa0ba902b7";
  private static final String TRACEPARENT = "00-" + TRACE + "-" + PARENT + "-01";

  @TempDir Path folder;
  private final BlockingQueue<String> forwarded = new LinkedBlockingQueue<>();

  @SuppressWarnings("NullAway.Init") // made before each test
  private FakeCollector collector;

  @SuppressWarnings("NullAway.Init") // made before each test
  private HttpServer upstream;

  @BeforeEach
  void start() throws IOException {
    collector = new FakeCollector();
    upstream = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    upstream.createContext(
        "/",
        exchange -> {
          forwarded.add(String.valueOf(exchange.getRequestHeaders().getFirst("traceparent")));
          exchange.sendResponseHeaders(204, -1);
          exchange.close();
        });
    upstream.start();
  }

  @AfterEach
  void stop() {
    upstream.stop(0);
    collector.close();
  }

  private static TestServer.Answer traced(
      TestServer server, String method, String path, String body) {
    return server.send(
        server
            .request(method, path, body.isEmpty() ? Optional.empty() : Optional.of(body))
            .header("traceparent", TRACEPARENT));
  }

  private Seen await(Predicate<Seen> wanted) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (true) {
      List<Seen> spans = collector.spans();
      Optional<Seen> found = spans.stream().filter(wanted).findFirst();
      if (found.isPresent()) {
        return found.get();
      }
      assertThat(System.nanoTime()).as("spans: " + spans).isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
    }
  }

  private void forwardTo(TestServer server, String id) {
    server
        .runtime()
        .setAddress(
            id,
            3000,
            new PortAddress("127.0.0.1:" + upstream.getAddress().getPort(), "", Map.of()));
  }

  @Test
  void aCreateIsASpanWithTheRuntimesCallsAsItsParts() {
    try (TestServer server = TestServer.startWith(folder, collector.variables())) {
      String id = traced(server, "POST", "/v1/sandboxes", TestServer.body("")).text("id");

      Seen request = await(span -> span.name().equals("POST /v1/sandboxes"));
      assertThat(request.trace()).isEqualTo(TRACE);
      assertThat(request.parent()).isEqualTo(PARENT);
      assertThat(request.kind()).isEqualTo(2);
      assertThat(request.failed()).isFalse();
      assertThat(request.attributes())
          .containsEntry("http.route", "/v1/sandboxes")
          .containsEntry("http.request.method", "POST")
          .containsEntry("http.response.status_code", "202")
          .containsEntry("opensandbox.sandbox.id", id);
      for (String call : List.of("fake prepare image", "fake create", "fake start")) {
        Seen part = await(span -> span.name().equals(call));
        assertThat(part.trace()).as(call).isEqualTo(TRACE);
        assertThat(part.parent()).as(call).isEqualTo(request.id());
        assertThat(part.kind()).as(call).isEqualTo(3);
      }
    }
  }

  @Test
  void aBusyCollectorIsAskedAgain() {
    collector.refuse(2);
    try (TestServer server = TestServer.startWith(folder, collector.variables())) {
      traced(server, "GET", "/v1/sandboxes", "");

      assertThat(await(span -> span.name().equals("GET /v1/sandboxes")).trace()).isEqualTo(TRACE);
    }
  }

  @Test
  void theCaptureBehindASnapshotIsAPartOfItsRequest() {
    try (TestServer server = TestServer.startWith(folder, collector.variables())) {
      String id = server.create();

      traced(server, "POST", "/v1/sandboxes/" + id + "/snapshots", "");

      Seen capture = await(span -> span.name().equals("fake snapshot"));
      Seen request = await(span -> span.name().equals("POST /v1/sandboxes/{id}/snapshots"));
      assertThat(capture.trace()).isEqualTo(TRACE);
      assertThat(capture.parent()).isEqualTo(request.id());
    }
  }

  @Test
  void theProxyJoinsTheSandboxToTheTrace() throws InterruptedException {
    try (TestServer server = TestServer.startWith(folder, collector.variables());
        CapturedLog log = new CapturedLog("access")) {
      String id = server.create();
      assertThat(log.next()).contains("path=/v1/sandboxes ");
      forwardTo(server, id);

      var answer = traced(server, "GET", "/v1/sandboxes/" + id + "/proxy/3000/x", "");

      assertThat(answer.status()).isEqualTo(204);
      Seen sent = await(span -> span.name().equals("forward GET"));
      assertThat(forwarded.poll(60, TimeUnit.SECONDS))
          .isEqualTo("00-" + TRACE + "-" + sent.id() + "-01");
      Seen request = await(span -> span.name().equals("GET /sandboxes/{id}/proxy/{port}"));
      assertThat(sent.parent()).isEqualTo(request.id());
      assertThat(request.parent()).isEqualTo(PARENT);
      assertThat(request.attributes()).containsEntry("opensandbox.sandbox.id", id);
      assertThat(log.next()).endsWith("trace=" + TRACE);
    }
  }

  @Test
  void aFaultOfTheRuntimeShowsInBothSpans() {
    try (TestServer server = TestServer.startWith(folder, collector.variables())) {
      String id = server.create();
      server
          .runtime()
          .failNext(
              io.opensandbox.runtime.FakeRuntime.Step.PAUSE, new IllegalStateException("broken"));

      assertThat(traced(server, "POST", "/v1/sandboxes/" + id + "/pause", "").status())
          .isEqualTo(500);

      assertThat(await(span -> span.name().equals("fake pause")).failed()).isTrue();
      assertThat(await(span -> span.name().equals("POST /v1/sandboxes/{id}/pause")).failed())
          .isTrue();
    }
  }

  @Test
  void whatNoRequestWaitsForIsNotTraced() {
    try (TestServer server = TestServer.startWith(folder, collector.variables())) {
      String id = server.create();
      server.runtime().exit(id, 0);
      traced(server, "GET", "/v1/sandboxes", "");
      await(span -> span.name().equals("GET /v1/sandboxes"));

      assertThat(collector.spans()).noneMatch(span -> span.parent().isEmpty() && span.kind() != 2);
    }
  }

  @Test
  void withoutTheVariablesTheClientsTraceGoesOnAsItIs() throws InterruptedException {
    try (TestServer server = TestServer.startWith(folder, Map.of());
        CapturedLog log = new CapturedLog("access")) {
      String id = server.create();
      assertThat(log.next()).endsWith("trace=-");
      forwardTo(server, id);

      traced(server, "GET", "/v1/sandboxes/" + id + "/proxy/3000/x", "");

      assertThat(forwarded.poll(60, TimeUnit.SECONDS)).isEqualTo(TRACEPARENT);
    }
    assertThat(collector.spans()).isEmpty();
  }

  @Test
  void variablesThatMakeNoSenseLeaveTheServerWithoutTraces() throws InterruptedException {
    Map<String, String> variables = new HashMap<>(collector.variables());
    variables.put("OTEL_EXPORTER_OTLP_PROTOCOL", "pigeon");

    try (CapturedLog log = new CapturedLog(Tracing.class.getName());
        TestServer server = TestServer.startWith(folder, variables)) {
      assertThat(log.next()).startsWith("no traces are sent: ").contains("pigeon");
      assertThat(server.send("GET", "/health").status()).isEqualTo(200);
    }
  }
}
