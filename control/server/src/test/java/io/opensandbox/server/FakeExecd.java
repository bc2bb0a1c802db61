package io.opensandbox.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// One daemon for every sandbox of a [FakeRuntime]: answers, and remembers the commands it was
/// given but for the warm-up's.
public final class FakeExecd implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Json.Obj> commands = new CopyOnWriteArrayList<>();
  private final List<String> recorded = new CopyOnWriteArrayList<>();
  private volatile Runnable beforePing = () -> {};
  private volatile boolean failing;
  private volatile boolean keepsEnvironment = true;

  /// Starts it on a free port of the loopback.
  public FakeExecd() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(threads);
    server.createContext("/ping", this::ping);
    server.createContext("/command", this::command);
    server.start();
  }

  /// Makes it the daemon of every sandbox that `runtime` starts from now on.
  public void serve(FakeRuntime runtime) {
    runtime.intercept((step, id) -> {
      if (step == FakeRuntime.Step.START) {
        runtime.setAddress(id, 44772, address());
      }
    });
  }

  /// Where it listens.
  public PortAddress address() {
    return new PortAddress("127.0.0.1:" + server.getAddress().getPort(), "", Map.of());
  }

  /// The bodies of the commands, in order.
  public List<Json.Obj> commands() {
    return List.copyOf(commands);
  }

  /// The requests that it was not asked to leave unrecorded.
  public List<String> recorded() {
    return List.copyOf(recorded);
  }

  /// Does `action` before each answer to a ping from now on.
  public void beforePing(Runnable action) {
    beforePing = action;
  }

  /// Lets commands fail to start from now on.
  public void failCommands() {
    failing = true;
  }

  /// Lets commands that write the env file fail from now on.
  public void refuseEnvironment() {
    keepsEnvironment = false;
  }

  private void note(HttpExchange exchange) {
    if (!exchange.getRequestHeaders().containsKey("X-EXECD-UNRECORDED")) {
      recorded.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
    }
  }

  private void ping(HttpExchange exchange) throws IOException {
    note(exchange);
    beforePing.run();
    answer(exchange, "");
  }

  private void command(HttpExchange exchange) throws IOException {
    note(exchange);
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    String line =
        JsonParser.parse(body) instanceof Json.Obj given
                && given.member("command") instanceof Json.Str(String text)
            ? text
            : "";
    if (!line.equals("true")
        && !line.startsWith(": >>")
        && JsonParser.parse(body) instanceof Json.Obj command) {
      commands.add(command);
    }
    boolean fails = failing || (!keepsEnvironment && line.contains("EXECD_ENVS"));
    answer(
        exchange,
        fails
            ? "{\"type\":\"error\",\"error\":{\"ename\":\"CommandExecError\"}}\n\n"
            : "{\"type\":\"init\",\"text\":\"1\"}\n\n{\"type\":\"execution_complete\"}\n\n");
  }

  private static void answer(HttpExchange exchange, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, bytes.length == 0 ? -1 : bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
