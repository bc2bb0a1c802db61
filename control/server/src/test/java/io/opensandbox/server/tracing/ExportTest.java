package io.opensandbox.server.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.FreePort;
import io.opensandbox.server.CapturedLog;
import io.opensandbox.server.tracing.FakeCollector.Seen;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// How spans get to collectors of all kinds, and that a bad one harms nobody else.
class ExportTest {
  /// More than any number of threads that a client may keep.
  private static final int MANY = 12;

  /// A stop may take two seconds, and the machine may be busy.
  private static final Duration STOP = Duration.ofSeconds(8);

  @TempDir private static Path folder;

  @SuppressWarnings("NullAway.Init") // made before all tests
  private static TestKey key;

  @SuppressWarnings("NullAway.Init") // made before all tests
  private static TestKey other;

  @SuppressWarnings("NullAway.Init") // made before each test
  private FakeCollector collector;

  @SuppressWarnings("NullAway.Init") // made before each test
  private CapturedLog log;

  @BeforeAll
  static void makeKeys() throws Exception {
    key = new TestKey(folder.resolve("key"));
    other = new TestKey(folder.resolve("other"));
  }

  @BeforeEach
  void start() throws IOException {
    collector = new FakeCollector();
    log = new CapturedLog(Tracing.class.getName());
  }

  @AfterEach
  void stop() {
    log.close();
    collector.close();
  }

  private static Map<String, String> with(Map<String, String> variables, String... more) {
    Map<String, String> all = new HashMap<>(variables);
    for (int i = 0; i < more.length; i += 2) {
      all.put(more[i], more[i + 1]);
    }
    return all;
  }

  private static void span(Tracing tracing, String name) {
    tracing.request(name, _ -> "").close();
  }

  private static void await(BooleanSupplier wanted, String what) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!wanted.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(2).toNanos());
    }
  }

  private static void awaitSpan(FakeCollector collector, String name) {
    await(() -> names(collector).contains(name), name);
  }

  private static List<String> names(FakeCollector collector) {
    return collector.spans().stream().map(Seen::name).toList();
  }

  /// Makes spans until one has arrived.
  private static void awaitAny(Tracing tracing, FakeCollector collector) {
    await(
        () -> {
          span(tracing, "again");
          return names(collector).contains("again");
        },
        "a span after the trouble");
  }

  @Test
  void sendsByTlsToACollectorWithACertificateOfTheGivenAuthority() throws Exception {
    try (FakeCollector https = new FakeCollector(key.trusting(other), false);
        Tracing tracing =
            Tracing.of(
                with(https.variables(), "OTEL_EXPORTER_OTLP_CERTIFICATE", key.certificate()))) {
      span(tracing, "secure");

      awaitSpan(https, "secure");
    }
  }

  @Test
  void sendsNothingToACollectorWithACertificateOfAnotherAuthority() throws Exception {
    try (FakeCollector https = new FakeCollector(key.trusting(other), false);
        Tracing tracing =
            Tracing.of(
                with(https.variables(), "OTEL_EXPORTER_OTLP_CERTIFICATE", other.certificate()))) {
      span(tracing, "secret");

      assertThat(log.next())
          .startsWith("cannot send traces to 127.0.0.1:" + https.port() + ": ")
          .contains("certificat");
      assertThat(https.spans()).isEmpty();
    }
  }

  @Test
  void showsItsOwnCertificateToACollectorThatAsksForIt() throws Exception {
    try (FakeCollector https = new FakeCollector(key.trusting(other), true)) {
      Map<String, String> variables =
          with(https.variables(), "OTEL_EXPORTER_OTLP_CERTIFICATE", key.certificate());
      try (Tracing stranger = Tracing.of(variables)) {
        span(stranger, "stranger");
        assertThat(log.next()).startsWith("cannot send traces to ");
      }
      try (Tracing tracing =
          Tracing.of(
              with(
                  variables,
                  "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                  other.privateKey(),
                  "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                  other.certificate()))) {
        span(tracing, "known");

        awaitSpan(https, "known");
      }
      assertThat(names(https)).containsExactly("known");
    }
  }

  @Test
  void sendsTheHeadersThatAreAskedFor() throws InterruptedException {
    try (Tracing tracing =
        Tracing.of(
            with(
                collector.variables(),
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Bearer%20a+b%3D%3D, x-team = core",
                "OTEL_EXPORTER_OTLP_COMPRESSION",
                "none"))) {
      span(tracing, "x");

      var headers = collector.awaitCall();
      assertThat(headers.get("Authorization")).containsExactly("Bearer a+b==");
      assertThat(headers.get("X-Team")).containsExactly("core");
      assertThat(headers.get("Content-Type")).containsExactly("application/x-protobuf");
    }
  }

  @Test
  void compresses() throws InterruptedException {
    try (Tracing tracing =
        Tracing.of(with(collector.variables(), "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"))) {
      collector.answerNext(1, FakeCollector.status(200));
      span(tracing, "x");

      assertThat(collector.awaitCall().get("Content-Encoding")).containsExactly("gzip");
    }
  }

  @Test
  void saysWhichProgramItIs() {
    Map<String, String> variables = collector.variables();
    String attributes = "team=a%20b,service.name=ours";
    for (Map<String, String> each :
        List.of(
            variables,
            with(variables, "OTEL_RESOURCE_ATTRIBUTES", attributes),
            with(
                variables,
                "OTEL_RESOURCE_ATTRIBUTES",
                attributes,
                "OTEL_SERVICE_NAME",
                "theirs"))) {
      try (Tracing tracing = Tracing.of(each)) {
        span(tracing, "x");
      }
    }

    assertThat(collector.resources())
        .extracting(resource -> resource.get("service.name"))
        .containsExactly("opensandbox-server", "ours", "theirs");
    assertThat(collector.resources().getLast())
        .containsEntry("team", "a b")
        .containsEntry("telemetry.sdk.language", "java");
  }

  @Test
  void aCollectorMayComeLater() throws Exception {
    int port = FreePort.find();
    try (Tracing tracing = Tracing.of(FakeCollector.variables("http://127.0.0.1:" + port))) {
      span(tracing, "early");
      // It asks again for some seconds before it gives up.
      try (FakeCollector late = new FakeCollector(port)) {
        awaitSpan(late, "early");
      }
    }
  }

  @Test
  void aCollectorThatSaysNothingIsGivenUpAndAskedAgain() throws InterruptedException {
    collector.answerNext(MANY, collector.silence());

    comesBack();
  }

  @Test
  void aCollectorThatHangsInItsAnswerIsGivenUpAndAskedAgain() throws InterruptedException {
    collector.answerNext(MANY, collector.headOnly());

    comesBack();
  }

  private void comesBack() throws InterruptedException {
    try (Tracing tracing =
        Tracing.of(with(collector.variables(), "OTEL_EXPORTER_OTLP_TIMEOUT", "100"))) {
      awaitAny(tracing, collector);

      String at = "127.0.0.1:" + collector.port();
      assertThat(log.next())
          .matches(
              "cannot send traces to "
                  + at
                  + ": it has not answered within 100 ms; \\d+ spans? (is|are) lost");
      assertThat(log.next()).matches("traces reach " + at + " again; \\d+ spans were lost");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 50_000})
  void anAnswerThatNeverEndsIsCut(int piece) throws InterruptedException {
    collector.answerNext(1, collector.endless(200, new byte[piece]));
    try (Tracing tracing =
        Tracing.of(with(collector.variables(), "OTEL_EXPORTER_OTLP_TIMEOUT", "200"))) {
      span(tracing, "x");

      collector.awaitCut();
      assertThat(log.next()).startsWith("cannot send traces to ");
      awaitAny(tracing, collector);
    }
  }

  @Test
  void aBusyCollectorIsAskedAgainWhenItSaysSo() throws InterruptedException {
    collector.answerNext(1, FakeCollector.status(429, "Retry-After", "0"));
    collector.answerNext(2, FakeCollector.status(503, "Retry-After", "0"));
    try (Tracing tracing = Tracing.of(collector.variables())) {
      long start = System.nanoTime();
      span(tracing, "x");

      awaitSpan(collector, "x");
      // On its own it would wait for more than three seconds.
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(2500));
    }
  }

  @Test
  void aCollectorThatWantsToRestLongerThanTheTimeoutGetsTheNextSpans() throws InterruptedException {
    collector.answerNext(1, FakeCollector.status(429, "Retry-After", "3600"));
    try (Tracing tracing = Tracing.of(collector.variables())) {
      span(tracing, "lost");

      assertThat(log.next()).endsWith(": it answered 429; 1 span is lost");
      span(tracing, "next");
      awaitSpan(collector, "next");
      assertThat(names(collector)).containsExactly("next");
    }
  }

  @Test
  void whatACollectorRefusesIsNotSentAgain() throws InterruptedException {
    collector.answerNext(1, FakeCollector.status(400));
    try (Tracing tracing = Tracing.of(collector.variables())) {
      span(tracing, "refused");

      assertThat(log.next())
          .isEqualTo(
              "cannot send traces to 127.0.0.1:"
                  + collector.port()
                  + ": it answered 400; 1 span is lost");
      span(tracing, "next");
      awaitSpan(collector, "next");
      assertThat(names(collector)).containsExactly("next");
      assertThat(log.next()).endsWith("again; 1 span was lost");
    }
  }

  @Test
  void whatARefusalSaysAtLengthIsNotRead() throws InterruptedException {
    collector.answerNext(1, collector.endless(401, new byte[50_000]));
    try (Tracing tracing = Tracing.of(collector.variables())) {
      span(tracing, "x");

      assertThat(log.next()).contains(": it answered 401; ");
      collector.awaitCut();
    }
  }

  @Test
  void aDeadCollectorSlowsNobodyAndFillsNoMemory() throws InterruptedException {
    int queue = 20;
    collector.answerNext(1, collector.silence());
    try (Tracing tracing =
        Tracing.of(
            with(
                collector.variables(),
                "OTEL_BSP_MAX_QUEUE_SIZE",
                String.valueOf(queue),
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
                "10",
                "OTEL_EXPORTER_OTLP_TIMEOUT",
                "5000"))) {
      span(tracing, "first");
      collector.awaitCall();
      long start = System.nanoTime();
      for (int i = 0; i < 10_000; i++) {
        span(tracing, "x");
      }

      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
      assertThat(log.next()).startsWith("cannot send traces to ");
      assertThat(log.next()).contains("queue is full");
      awaitSpan(collector, "x");
      // A queue of twenty has place for up to 32 in the SDK.
      assertThat(collector.spans()).hasSizeBetween(1, 64);
    }
  }

  @Test
  void aStopWaitsForNoDeadCollectorAndSaysWhatIsLost() throws InterruptedException {
    collector.answerNext(MANY, collector.silence());
    Tracing tracing =
        Tracing.of(with(collector.variables(), "OTEL_EXPORTER_OTLP_TIMEOUT", "60000"));
    span(tracing, "sent");
    collector.awaitCall();
    span(tracing, "queued");

    long start = System.nanoTime();
    tracing.close();

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(STOP);
    assertThat(log.next())
        .startsWith("2 spans have not reached 127.0.0.1:" + collector.port() + " before the stop");
    assertThat(log.isEmpty()).isTrue();
  }

  @Test
  void aStopSendsWhatIsLeft() {
    Tracing tracing = Tracing.of(with(collector.variables(), "OTEL_BSP_SCHEDULE_DELAY", "60000"));
    span(tracing, "last");

    tracing.close();

    assertThat(names(collector)).containsExactly("last");
    assertThat(log.isEmpty()).isTrue();
  }

  @Test
  void nothingOfTheSdkGoesPastTheLog() throws InterruptedException {
    Queue<String> stray = new ConcurrentLinkedQueue<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord entry) {
            stray.add(entry.getLoggerName() + ": " + entry.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger root = Logger.getLogger("");
    root.addHandler(handler);
    collector.answerNext(1, FakeCollector.status(400));
    try (Tracing tracing = Tracing.of(collector.variables())) {
      span(tracing, "x");
      assertThat(log.next()).startsWith("cannot send traces to ");
      awaitAny(tracing, collector);
    } finally {
      root.removeHandler(handler);
    }

    assertThat(stray).noneMatch(line -> line.startsWith("io.opentelemetry"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "authorization=Bearer%0as3cret",
        "authorization=s3cret%zz%0a",
        "s3cret",
        "a=b,=s3cret",
        "s3cret name=x"
      })
  void noHeaderGetsIntoTheLog(String headers) throws Exception {
    var out = new java.io.ByteArrayOutputStream();
    var err = System.err;
    System.setErr(new java.io.PrintStream(out, true, StandardCharsets.UTF_8));
    try (Tracing tracing =
        Tracing.of(with(collector.variables(), "OTEL_EXPORTER_OTLP_HEADERS", headers))) {
      assertThat(tracing).isSameAs(Tracing.OFF);
      assertThat(log.next())
          .startsWith("no traces are sent: OTEL_EXPORTER_OTLP_HEADERS ")
          .doesNotContain("s3cret");
    } finally {
      System.setErr(err);
    }
    assertThat(out.toString(StandardCharsets.UTF_8)).doesNotContain("s3cret");
  }
}
