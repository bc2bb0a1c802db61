package io.opensandbox.execd.pty;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.WebSocket;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.execd.process.Spawner;
import io.opensandbox.execd.session.SessionFolders;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// The routes below `/pty`.
public final class PtyRoutes {
  private static final int REPLAY_BYTES = 1 << 20;
  private static final long MAX_BODY_BYTES = 1 << 20;
  private static final Duration READ_LIMIT = Duration.ofSeconds(60);
  private static final Duration WRITE_LIMIT = Duration.ofSeconds(10);

  /// Viewers have less patience: who only watches must not hold up who works.
  private static final Duration VIEWER_WRITE_LIMIT = Duration.ofSeconds(2);

  private final PtySessions sessions;
  private final Environment environment;
  private final SessionFolders folders;
  private final Supplier<String> ids;
  private final Consumer<String> warnings;

  /// What processes are started with.
  ///
  /// @param variables of the process, `TERM` excepted
  /// @param replayFolder for what clients may have missed
  public record Environment(
      Spawner spawner, Supplier<Map<String, String>> variables, Path replayFolder) {}

  /// @param ids a new session id at each call
  /// @param warnings told about what goes wrong outside of a request
  public PtyRoutes(
      PtySessions sessions,
      Environment environment,
      SessionFolders folders,
      Supplier<String> ids,
      Consumer<String> warnings) {
    this.sessions = sessions;
    this.environment = environment;
    this.folders = folders;
    this.ids = ids;
    this.warnings = warnings;
  }

  /// Adds the routes.
  public void register(Router router) {
    router
        .add("POST", "/pty", this::create)
        .add("GET", "/pty/{id}", this::show)
        .add("DELETE", "/pty/{id}", this::delete)
        .add("GET", "/pty/{id}/ws", this::connect);
  }

  private void create(Exchange exchange) throws IOException {
    JsonObject body = JsonParser.parseOptionalObject(exchange.readBody(MAX_BODY_BYTES));
    String command = body.stringOrEmpty("command");
    String folder = folders.make(body.stringOrEmpty("cwd"), "error creating pty session. ");
    String id = ids.get();
    var shell = new PtyShell(environment.spawner(), environment.variables().get(), folder, command);
    var replay = new ReplayBuffer(environment.replayFolder().resolve(id + ".replay"), REPLAY_BYTES);
    sessions.add(new PtySession(id, shell, replay, warnings));
    var json = new JsonWriter().beginObject().field("session_id", id).endObject();
    JsonResponses.send(exchange, 201, json);
  }

  private void show(Exchange exchange) throws IOException {
    PtySession session = find(exchange);
    var json =
        new JsonWriter()
            .beginObject()
            .field("session_id", session.id())
            .field("running", session.isRunning())
            .field("output_offset", session.outputOffset())
            .endObject();
    JsonResponses.send(exchange, 200, json);
  }

  private void delete(Exchange exchange) throws IOException {
    String id = exchange.pathParameter("id");
    sessions.remove(id).orElseThrow(() -> notFound(id)).delete();
    exchange.respondEmpty(200);
  }

  private void connect(Exchange exchange) throws IOException {
    PtySession session = find(exchange);
    boolean viewer = is(exchange, "view", "1");
    boolean takeover = is(exchange, "takeover", "1") && exchange.isWebSocketUpgrade();
    var claim = new Object();
    if (!viewer && !session.reserve(claim, takeover)) {
      throw new ExecdException(
          ErrorCode.ALREADY_CONNECTED,
          "pty session " + session.id() + " has a client already; add takeover=1 to replace it");
    }
    try {
      WebSocket socket = exchange.upgradeWebSocket();
      socket.limit(READ_LIMIT, viewer ? VIEWER_WRITE_LIMIT : WRITE_LIMIT);
      var client = new PtyClient(socket, viewer);
      serve(session, client, claim, exchange);
    } finally {
      session.release(claim);
    }
  }

  private static void serve(PtySession session, PtyClient client, Object claim, Exchange exchange)
      throws IOException {
    try {
      if (attach(session, client, claim, exchange)) {
        client.startPings();
        new PtyConversation(session, client).run();
      } else {
        client.error("ALREADY_CONNECTED", "the session was taken over or has too many viewers");
      }
    } catch (SpawnException e) {
      client.error("START_FAILED", String.valueOf(e.getMessage()));
    } finally {
      client.leave();
      session.release(client);
    }
  }

  private static boolean attach(
      PtySession session, PtyClient client, Object claim, Exchange exchange) throws IOException {
    long since = since(exchange);
    boolean terminal = !is(exchange, "pty", "0");
    return client.isViewer()
        ? session.attachViewer(client, since)
        : session.attach(claim, client, terminal, since);
  }

  private static long since(Exchange exchange) {
    try {
      return Math.max(0, Long.parseLong(exchange.query().first("since").orElse("0")));
    } catch (NumberFormatException _) { // like an absent one
      return 0;
    }
  }

  private static boolean is(Exchange exchange, String key, String value) {
    return exchange.query().first(key).orElse("").equals(value);
  }

  private PtySession find(Exchange exchange) {
    String id = exchange.pathParameter("id");
    return sessions.find(id).orElseThrow(() -> notFound(id));
  }

  private static ExecdException notFound(String id) {
    return new ExecdException(ErrorCode.CONTEXT_NOT_FOUND, "pty session " + id + " not found");
  }
}
