package io.opensandbox.server.tracing;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/// An OpenTelemetry collector on a loopback port that keeps the spans it gets in OTLP's binary form
/// (opentelemetry-proto, `trace.proto`).
final class FakeCollector implements AutoCloseable {
  private static final int VARINT = 0;
  private static final int BYTES = 2;

  private final HttpServer server;
  private final List<Seen> spans = new CopyOnWriteArrayList<>();
  private final AtomicInteger busy = new AtomicInteger();

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

  FakeCollector() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/v1/traces",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          if (busy.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            exchange.sendResponseHeaders(503, -1);
            exchange.close();
            return;
          }
          for (Field resource : fields(ByteBuffer.wrap(body), 1)) {
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
    busy.set(calls);
  }

  /// The variables that make a server send its spans here, soon.
  Map<String, String> variables() {
    return Map.of(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://127.0.0.1:" + server.getAddress().getPort(),
        "OTEL_BSP_SCHEDULE_DELAY",
        "20");
  }

  /// The spans so far.
  List<Seen> spans() {
    return List.copyOf(spans);
  }

  @Override
  public void close() {
    server.stop(0);
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

  private static Seen seen(ByteBuffer span) {
    Map<String, String> attributes = new TreeMap<>();
    for (Field attribute : fields(span, 9)) {
      Field value = fields(only(attribute.bytes(), 2).bytes()).getFirst();
      attributes.put(
          only(attribute.bytes(), 1).text(),
          value.number() == 1 ? value.text() : String.valueOf(value.value()));
    }
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
        attributes,
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
