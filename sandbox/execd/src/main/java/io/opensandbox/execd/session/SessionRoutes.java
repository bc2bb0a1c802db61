package io.opensandbox.execd.session;

import io.opensandbox.execd.command.Interruptible;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/// The routes below `/session`.
public final class SessionRoutes implements Interruptible {
  /// A run without a limit of its own.
  private static final long DEFAULT_TIMEOUT_MILLIS = Duration.ofHours(24).toMillis();

  private static final long MAX_BODY_BYTES = 4 << 20;

  private final Sessions sessions;
  private final SessionRunner runner;
  private final SessionFolders folders;
  private final Clock clock;
  private final Supplier<String> ids;

  /// @param ids a new session id at each call
  public SessionRoutes(
      Sessions sessions,
      SessionRunner runner,
      SessionFolders folders,
      Clock clock,
      Supplier<String> ids) {
    this.sessions = sessions;
    this.runner = runner;
    this.folders = folders;
    this.clock = clock;
    this.ids = ids;
  }

  /// Adds the routes.
  public void register(Router router) {
    router
        .add("POST", "/session", this::create)
        .add("POST", "/session/{id}/run", this::run)
        .add("DELETE", "/session/{id}", this::delete);
  }

  private void create(Exchange exchange) throws IOException {
    JsonObject body = JsonParser.parseOptionalObject(exchange.readBody(MAX_BODY_BYTES));
    String folder = folders.make(body.stringOrEmpty("cwd"), "error creating session. ");
    var session = new Session(ids.get(), folder);
    sessions.add(session);
    var json = new JsonWriter().beginObject().field("session_id", session.id()).endObject();
    JsonResponses.send(exchange, 200, json);
  }

  private void run(Exchange exchange) throws IOException {
    SessionRun run = parse(JsonParser.parseObject(exchange.readBody(MAX_BODY_BYTES)));
    Session session =
        sessions
            .find(exchange.pathParameter("id"))
            .orElseThrow(() ->
                new ExecdException(
                    ErrorCode.CONTEXT_NOT_FOUND, "error running in session. context not found"));
    EventStream stream = EventStream.start(exchange, clock);
    runner.begin(session, run, stream);
    stream.pingUntilEnd();
  }

  private SessionRun parse(JsonObject body) {
    String text = body.stringOrEmpty("command");
    if (text.isEmpty()) {
      throw invalid("\"command\" is required and must not be empty");
    }
    if (text.indexOf('\0') >= 0) {
      throw invalid("\"command\" contains a NUL character");
    }
    long timeoutMillis = body.integer("timeout").orElse(0);
    if (timeoutMillis < 0) {
      throw invalid("\"timeout\" must be 0 or more milliseconds, not " + timeoutMillis);
    }
    long limitMillis = timeoutMillis == 0 ? DEFAULT_TIMEOUT_MILLIS : timeoutMillis;
    String folder = folders.check(body.stringOrEmpty("cwd"));
    return new SessionRun(text, folder, Duration.ofMillis(limitMillis));
  }

  private void delete(Exchange exchange) throws IOException {
    String id = exchange.pathParameter("id");
    if (!interrupt(id)) {
      throw new ExecdException(ErrorCode.CONTEXT_NOT_FOUND, "session " + id + " not found");
    }
    exchange.respondEmpty(200);
  }

  /// Kills the session's run and forgets the session.
  @Override
  public boolean interrupt(String id) throws IOException {
    Optional<Session> session = sessions.remove(id);
    if (session.isEmpty()) {
      return false;
    }
    session.get().delete();
    return true;
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(
        ErrorCode.INVALID_REQUEST_BODY, "invalid request, validation error " + message);
  }
}
