package io.opensandbox.server.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;

/// An OpenTelemetry collector on a loopback port that keeps the spans it gets in OTLP's binary form
/// (opentelemetry-proto, `trace.proto`).
final class FakeCollector implements AutoCloseable {
  private static final int VARINT = 0;
  private static final int BYTES = 2;

  private final HttpServer server;
  private final List<Seen> spans = new CopyOnWriteArrayList<>();
  private final List<Map<String, String>> resources = new CopyOnWriteArrayList<>();
  private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
  private final BlockingQueue<Headers> calls = new LinkedBlockingQueue<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Semaphore cut = new Semaphore(0);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  /// A span as it arrived.
  ///
  /// @param parent empty for the first of a trace
  /// @param kind 1 internal, 2 server, 3 client
  /// @param failed whether its status is an error
  record Seen(
      String trace,
      String id,
      String parent,
      String name,
      long kind,
      Map<String, String> attributes,
      boolean failed) {}

  /// What a collector does with a call instead of taking the spans.
  interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  FakeCollector() throws IOException {
    this(HttpServer.create(), 0);
  }

  /// Listens where somebody expects it.
  FakeCollector(int port) throws IOException {
    this(HttpServer.create(), port);
  }

  /// Speaks TLS, and asks for a client's certificate that `context` trusts where that is told.
  FakeCollector(SSLContext context, boolean asksForClient) throws IOException {
    HttpsServer https = HttpsServer.create();
    https.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters wanted = context.getDefaultSSLParameters();
            wanted.setNeedClientAuth(asksForClient);
            parameters.setSSLParameters(wanted);
          }
        });
    this(https, 0);
  }

  private FakeCollector(HttpServer server, int port) throws IOException {
    this.server = server;
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(threads);
    server.createContext(
        "/v1/traces",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          calls.add(exchange.getRequestHeaders());
          Answer answer = answers.poll();
          if (answer != null) {
            answer.to(exchange);
            return;
          }
          for (Field resource : fields(ByteBuffer.wrap(body), 1)) {
            fields(resource.bytes(), 1).forEach(of -> resources.add(attributes(of.bytes(), 1)));
            for (Field scope : fields(resource.bytes(), 2)) {
              fields(scope.bytes(), 2).forEach(span -> spans.add(seen(span.bytes())));
            }
          }
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
  }

  /// Answers the next calls with 503 and keeps nothing of them.
  void refuse(int calls) {
    answerNext(calls, status(503));
  }

  /// Answers the next calls so and keeps nothing of them.
  void answerNext(int calls, Answer answer) {
    answers.addAll(Collections.nCopies(calls, answer));
  }

  static Answer status(int status, String... headers) {
    return exchange -> {
      for (int i = 0; i < headers.length; i += 2) {
        exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
      }
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
    };
  }

  /// Says nothing until it is closed.
  Answer silence() {
    return _ -> awaitClose();
  }

  /// Says 200 and never sends the body that it announces.
  Answer headOnly() {
    return exchange -> {
      exchange.sendResponseHeaders(200, 10);
      exchange.getResponseBody().flush();
      awaitClose();
    };
  }

  /// Says a status with a body that never ends: `piece` again and again, until the client has hung
  /// up, which [#awaitCut] tells.
  Answer endless(int status, byte[] piece) {
    return exchange -> {
      exchange.sendResponseHeaders(status, 0);
      try (OutputStream out = exchange.getResponseBody()) {
        while (closed.getCount() > 0) {
          out.write(piece);
          out.flush();
          LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
        }
      } catch (IOException _) { // what is waited for
        cut.release();
      }
    };
  }

  private void awaitClose() {
    try {
      closed.await();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /// Waits until a client has hung up on an endless answer.
  void awaitCut() throws InterruptedException {
    assertThat(cut.tryAcquire(60, TimeUnit.SECONDS)).as("the client hung up").isTrue();
  }

  /// Waits for the next call and tells its headers.
  Headers awaitCall() throws InterruptedException {
    return Objects.requireNonNull(calls.poll(60, TimeUnit.SECONDS), "no call");
  }

  /// How many calls there were that nobody has waited for.
  int callsLeft() {
    return calls.size();
  }

  int port() {
    return server.getAddress().getPort();
  }

  /// The variables that make a server send its spans here, soon.
  Map<String, String> variables() {
    String scheme = server instanceof HttpsServer ? "https" : "http";
    return variables(scheme + "://127.0.0.1:" + port());
  }

  static Map<String, String> variables(String endpoint) {
    return Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_BSP_SCHEDULE_DELAY", "20");
  }

  /// What was said of the program that the spans are from, call by call.
  List<Map<String, String>> resources() {
    return List.copyOf(resources);
  }

  /// The spans so far.
  List<Seen> spans() {
    return List.copyOf(spans);
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.close();
  }

  /// A field of a message: a number, or bytes.
  private record Field(int number, long value, ByteBuffer bytes) {
    String text() {
      return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
    }

    String hex() {
      byte[] copy = new byte[bytes.remaining()];
      bytes.duplicate().get(copy);
      return HexFormat.of().formatHex(copy);
    }
  }

  private static Map<String, String> attributes(ByteBuffer message, int number) {
    Map<String, String> attributes = new TreeMap<>();
    for (Field attribute : fields(message, number)) {
      Field value = fields(only(attribute.bytes(), 2).bytes()).getFirst();
      attributes.put(
          only(attribute.bytes(), 1).text(),
          value.number() == 1 ? value.text() : String.valueOf(value.value()));
    }
    return attributes;
  }

  private static Seen seen(ByteBuffer span) {
    boolean failed =
        fields(span, 15).stream()
            .flatMap(status -> fields(status.bytes(), 3).stream())
            .anyMatch(code -> code.value() == 2);
    return new Seen(
        only(span, 1).hex(),
        only(span, 2).hex(),
        only(span, 4).hex(),
        only(span, 5).text(),
        only(span, 6).value(),
        attributes(span, 9),
        failed);
  }

  private static Field only(ByteBuffer message, int number) {
    List<Field> found = fields(message, number);
    return found.isEmpty() ? new Field(number, 0, ByteBuffer.allocate(0)) : found.getFirst();
  }

  private static List<Field> fields(ByteBuffer message, int number) {
    return fields(message).stream().filter(field -> field.number() == number).toList();
  }

  private static List<Field> fields(ByteBuffer message) {
    ByteBuffer in = message.duplicate();
    List<Field> fields = new ArrayList<>();
    while (in.hasRemaining()) {
      long tag = varint(in);
      int number = (int) (tag >> 3);
      switch ((int) tag & 7) {
        case VARINT -> fields.add(new Field(number, varint(in), ByteBuffer.allocate(0)));
        case BYTES -> {
          int length = (int) varint(in);
          fields.add(new Field(number, 0, in.slice(in.position(), length)));
          in.position(in.position() + length);
        }
        case 1 -> in.position(in.position() + Long.BYTES);
        case 5 -> in.position(in.position() + Integer.BYTES);
        default -> throw new IllegalArgumentException("not a field: " + tag);
      }
    }
    return fields;
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }
}
