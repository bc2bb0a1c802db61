package io.opensandbox.execd.isolated;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.process.Credentials;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Runs in a session: `run`, and `runs` for those in the background.
final class RunRoutes {
  private static final String CURSOR_HEADER = "EXECD-ISOLATED-TAIL-CURSOR";
  private static final long MAX_BODY_BYTES = 8 << 20;
  private static final Duration FOREVER = Duration.ofDays(10_000);

  private final IsolatedSessions sessions;
  private final IsolatedRoutes.Environment environment;
  private final SessionJson json;
  private final AccountDatabase accounts;

  RunRoutes(
      IsolatedSessions sessions,
      IsolatedRoutes.Environment environment,
      SessionJson json,
      AccountDatabase accounts) {
    this.sessions = sessions;
    this.environment = environment;
    this.json = json;
    this.accounts = accounts;
  }

  void register(Router router) {
    router
        .add("POST", IsolatedRoutes.BASE + "/run", this::run)
        .add("GET", IsolatedRoutes.BASE + "/runs/{run}", this::status)
        .add("GET", IsolatedRoutes.BASE + "/runs/{run}/logs", this::logs);
  }

  private void run(Exchange exchange) throws IOException {
    IsolatedSession session = sessions.find(exchange.pathParameter("id"));
    JsonObject body = JsonParser.parseObject(exchange.readBody(MAX_BODY_BYTES));
    RunRequest request =
        RunRequest.parse(
            body,
            session,
            SecretNames.filter(environment.variables().get(), session.request().environment()),
            credentials(session.request().identity()));
    if (!session.namespace().isAlive()) {
      throw session.ended();
    }
    if (body.flag("background")) {
      runInBackground(exchange, session, request);
      return;
    }
    var work = new IsolatedRun.Work(environment.ids().get(), request, RunRequest.timeout(body));
    EventStream stream = EventStream.start(exchange, environment.clock());
    new IsolatedRun(sessions, session, work, stream, environment.clock())
        .begin(environment.warnings());
    stream.pingUntilEnd();
  }

  private @Nullable Credentials credentials(IsolationRequest.Identity identity) {
    if (identity.namespaced() || (identity.uid().isEmpty() && identity.gid().isEmpty())) {
      return null;
    }
    return Credentials.of(accounts, identity.uid().orElseGet(OwnIdentity::uid), identity.gid());
  }

  private void runInBackground(Exchange exchange, IsolatedSession session, RunRequest request)
      throws IOException {
    String id = environment.ids().get();
    var run = new BackgroundRun(id, environment.clock().instant(), session.logOf(id));
    RunningProcess process = session.namespace().spawner().start(request.spec(session));
    try {
      process.awaitStart();
    } catch (IOException e) {
      process.close();
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR, "cannot start the run: " + e.getMessage(), e);
    }
    session.add(run);
    session.begin(run.startedAt());
    Thread.ofVirtual().name("isolated-" + id).start(() -> follow(session, run, process));
    Thread.ofVirtual().name("isolated-limit-" + id).start(() -> limit(session, process));
    JsonResponses.send(exchange, 202, json.handle(session, run));
  }

  private void follow(IsolatedSession session, BackgroundRun run, RunningProcess process) {
    try (process) {
      run.follow(process, environment.clock());
    } finally {
      session.end(environment.clock().instant());
    }
  }

  /// A background run has no end, but a limit of what it writes.
  private static void limit(IsolatedSession session, RunningProcess process) {
    if (!SessionLimits.await(process, session, FOREVER).isEmpty()) {
      IsolatedRun.kill(process);
    }
  }

  private void status(Exchange exchange) throws IOException {
    IsolatedSession session = sessions.find(exchange.pathParameter("id"));
    JsonResponses.send(exchange, 200, json.run(session, find(exchange, session)));
  }

  private void logs(Exchange exchange) throws IOException {
    IsolatedSession session = sessions.find(exchange.pathParameter("id"));
    BackgroundRun run = find(exchange, session);
    long cursor = cursor(exchange.query().first("cursor").orElse("0"));
    byte[] page = run.read(cursor);
    Headers headers =
        Headers.of("Content-Type", "text/plain; charset=utf-8")
            .set(CURSOR_HEADER, Long.toString(cursor + page.length));
    exchange.respond(200, headers, page);
  }

  private static long cursor(String text) {
    try {
      long cursor = Long.parseLong(text);
      if (cursor >= 0) {
        return cursor;
      }
    } catch (NumberFormatException _) { // answered below
    }
    throw new ExecdException(
        ErrorCode.INVALID_REQUEST_BODY,
        "query parameter 'cursor' must be an integer of 0 or more, not \"" + text + "\"");
  }

  private static BackgroundRun find(Exchange exchange, IsolatedSession session) {
    String id = exchange.pathParameter("run");
    return session
        .findRun(id)
        .orElseThrow(() ->
            new ExecdException(
                ErrorCode.SESSION_NOT_FOUND,
                "run " + id + " of isolated session " + session.id() + " not found"));
  }
}
