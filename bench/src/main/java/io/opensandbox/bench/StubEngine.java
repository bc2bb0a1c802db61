package io.opensandbox.bench;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opensandbox.e2e.wire.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;

/// As much of the Docker Engine API as the server needs, over containers that are entries in a map
/// and do nothing, at the address 127.0.0.1. What the server costs is measured on it without what
/// an engine costs.
final class StubEngine implements AutoCloseable {
  private static final String END = "end";
  private static final int TAR_BLOCK = 512;

  private final HttpServer server;
  private final Map<String, Container> containers = new ConcurrentHashMap<>();
  private final List<BlockingQueue<String>> followers = new CopyOnWriteArrayList<>();
  private final AtomicLong calls = new AtomicLong();

  StubEngine() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 256);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::handle);
    server.start();
  }

  /// What `DOCKER_HOST` is set to.
  String address() {
    return "tcp://127.0.0.1:" + server.getAddress().getPort();
  }

  /// How many calls there were.
  long calls() {
    return calls.get();
  }

  /// How many containers there are.
  int containers() {
    return containers.size();
  }

  private record Container(String id, String name, Json request, Instant madeAt, boolean running) {
    Container started() {
      return new Container(id, name, request, madeAt, true);
    }

    Map<String, ?> labels() {
      return request.has("Labels") ? request.at("Labels").members() : Map.of();
    }
  }

  private void handle(HttpExchange exchange) throws IOException {
    calls.incrementAndGet();
    try (exchange) {
      var path = exchange.getRequestURI().getPath().replaceFirst("^/v1\\.\\d+", "");
      if (path.equals("/events")) {
        follow(exchange);
      } else if (path.endsWith("/archive")) {
        archive(exchange);
      } else if (path.startsWith("/containers/")) {
        container(exchange, path.substring("/containers/".length()));
      } else {
        reply(exchange, 200, general(path));
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private static Map<String, Object> general(String path) {
    return path.startsWith("/images/")
        ? Map.of(
            "Id",
            "sha256:" + Integer.toHexString(path.hashCode()),
            "Os",
            "linux",
            "Architecture",
            "amd64",
            "Config",
            Map.of())
        : Map.of(
            "Os",
            "linux",
            "Arch",
            "amd64",
            "MinAPIVersion",
            "1.12",
            "Runtimes",
            Map.of(),
            "Volumes",
            List.of());
  }

  private void container(HttpExchange exchange, String rest) throws IOException {
    var method = exchange.getRequestMethod();
    var slash = rest.indexOf('/');
    var name = slash < 0 ? rest : rest.substring(0, slash);
    var verb = slash < 0 ? "" : rest.substring(slash + 1);
    if (rest.equals("json")) {
      reply(exchange, 200, containers.values().stream().map(StubEngine::listed).toList());
    } else if (rest.equals("create")) {
      reply(exchange, 201, Map.of("Id", create(exchange)));
    } else if (!containers.containsKey(name)) {
      reply(exchange, 404, Map.of("message", "No such container: " + name));
    } else if (method.equals("DELETE")) {
      var gone = containers.remove(name);
      tell("die", gone);
      tell("destroy", gone);
      exchange.sendResponseHeaders(204, -1);
    } else if (verb.equals("start")) {
      tell("start", containers.computeIfPresent(name, (_, it) -> it.started()));
      exchange.sendResponseHeaders(204, -1);
    } else if (verb.equals("json")) {
      reply(exchange, 200, inspected(containers.get(name)));
    } else {
      reply(exchange, 200, Map.of());
    }
  }

  private String create(HttpExchange exchange) throws IOException {
    var name = exchange.getRequestURI().getQuery().replaceFirst("^.*name=([^&]*).*$", "$1");
    var text = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    // The API takes a container's name for its id everywhere.
    var made = new Container(name, name, Json.parse(text), Instant.now(), false);
    containers.put(name, made);
    tell("create", made);
    return name;
  }

  private static Map<String, Object> listed(Container it) {
    return Map.of(
        "Id", it.id(),
        "Names", List.of("/" + it.name()),
        "Labels", it.labels(),
        "State", it.running() ? "running" : "created");
  }

  private static Map<String, Object> inspected(Container it) {
    return Map.of(
        "Id", it.id(),
        "Name", "/" + it.name(),
        "Created", it.madeAt().toString(),
        "State",
            Map.of(
                "Status",
                it.running() ? "running" : "created",
                "Running",
                it.running(),
                "StartedAt",
                it.madeAt().toString(),
                "FinishedAt",
                "0001-01-01T00:00:00Z"),
        "Config",
            Map.of(
                "Image", it.request().text("Image"),
                "Cmd", it.request().members().getOrDefault("Cmd", List.of()),
                "Labels", it.labels()),
        "NetworkSettings", Map.of("IPAddress", "127.0.0.1", "Networks", Map.of()),
        "Mounts", List.of());
  }

  private void tell(String action, Container about) {
    var event =
        Json.write(
            Map.of(
                "Type",
                "container",
                "Action",
                action,
                "Actor",
                Map.of("ID", about.id(), "Attributes", about.labels())));
    followers.forEach(queue -> queue.add(event));
  }

  private void follow(HttpExchange exchange) throws IOException, InterruptedException {
    var queue = new LinkedBlockingQueue<String>();
    followers.add(queue);
    try {
      exchange.sendResponseHeaders(200, 0);
      var out = exchange.getResponseBody();
      out.flush();
      for (var event = queue.take(); !event.equals(END); event = queue.take()) {
        out.write((event + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
      }
    } finally {
      followers.remove(queue);
    }
  }

  // Every path of every container is a small file.
  private static void archive(HttpExchange exchange) throws IOException {
    var name = exchange.getRequestURI().getQuery().replaceFirst("^.*path=.*/([^/&]*).*$", "$1");
    var stat = Json.write(Map.of("name", name, "size", 1, "mode", 0755));
    exchange
        .getResponseHeaders()
        .set(
            "X-Docker-Container-Path-Stat",
            Base64.getEncoder().encodeToString(stat.getBytes(StandardCharsets.UTF_8)));
    switch (exchange.getRequestMethod()) {
      case "GET" -> reply(exchange, 200, tar(name));
      case "PUT" -> {
        exchange.getRequestBody().readAllBytes();
        exchange.sendResponseHeaders(200, -1);
      }
      default -> exchange.sendResponseHeaders(200, -1);
    }
  }

  /// A tar stream with one file of one byte.
  private static byte[] tar(String name) {
    var tar = ByteBuffer.allocate(4 * TAR_BLOCK);
    put(tar, 0, name);
    put(tar, 100, "0000755\0" + "0000000\0" + "0000000\0" + "00000000001\0" + "00000000000\0");
    put(tar, 148, " ".repeat(8) + "0");
    put(tar, 257, "ustar\0" + "00");
    int sum = 0;
    for (int i = 0; i < TAR_BLOCK; i++) {
      sum += tar.get(i) & 0xff;
    }
    put(tar, 148, "%06o\0 ".formatted(sum));
    put(tar, TAR_BLOCK, "x");
    return tar.array();
  }

  private static void put(ByteBuffer into, int at, String text) {
    into.put(at, text.getBytes(StandardCharsets.US_ASCII));
  }

  private static void reply(HttpExchange exchange, int status, Object json) throws IOException {
    reply(exchange, status, Json.write(json).getBytes(StandardCharsets.UTF_8));
  }

  private static void reply(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    followers.forEach(queue -> queue.add(END));
    server.stop(0);
  }
}
