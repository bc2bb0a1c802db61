package io.opensandbox.execd.isolated;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.process.Spawner;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// The routes below `/v1/isolated`.
public final class IsolatedRoutes implements AutoCloseable {
  static final String BASE = "/v1/isolated/session/{id}";
  private static final long MAX_BODY_BYTES = 1 << 20;
  private static final List<Path> WRITABLE_ROOTS =
      List.of(Path.of("/workspace"), Path.of("/mnt"), Path.of("/media"), Path.of("/data"));

  private final Environment environment;
  private final Isolator isolator;
  private final IsolatedSessions sessions;
  private final SessionJson json;
  private final Creation creation;
  private final RunRoutes runs;

  /// What the routes need from outside.
  ///
  /// @param variables the daemon's own
  /// @param folder where sessions keep their files
  /// @param tools the files of others
  /// @param ids a new id at each call
  /// @param warnings told about what goes wrong outside of a request
  public record Environment(
      Spawner spawner,
      Map<String, String> variables,
      Path folder,
      Tools tools,
      Clock clock,
      Supplier<String> ids,
      Consumer<String> warnings) {
    /// Copies the variables.
    public Environment {
      variables = Map.copyOf(variables);
    }
  }

  /// Files of others.
  ///
  /// @param launcher execd's launcher; empty when execd runs without it
  /// @param bubblewrap the call of the one that came with execd, for images without one; its last
  ///   word is a file, which may be missing
  public record Tools(Supplier<Optional<Path>> launcher, List<String> bubblewrap) {
    /// Copies the words.
    public Tools {
      bubblewrap = List.copyOf(bubblewrap);
    }
  }

  /// Routes without sessions yet.
  public IsolatedRoutes(Environment environment) {
    this.environment = environment;
    FileTimes times = new FileTimes(environment.clock().getZone());
    AccountDatabase accounts = AccountDatabase.ofSystem();
    this.isolator =
        new Isolator(
            environment.spawner(),
            environment.variables(),
            environment.tools(),
            environment.folder());
    this.sessions = new IsolatedSessions(environment.clock(), environment.warnings());
    this.json = new SessionJson(times);
    this.creation = new Creation(isolator, environment.folder(), times, accounts);
    this.runs = new RunRoutes(sessions, environment, json, accounts);
  }

  /// Whether there is no session, so that the daemon may hibernate.
  public boolean isIdle() {
    return sessions.isEmpty();
  }

  /// Removes all sessions.
  @Override
  public void close() {
    sessions.close();
  }

  /// Adds the routes.
  public void register(Router router) {
    router
        .add("GET", "/v1/isolated/capabilities", this::capabilities)
        .add("POST", "/v1/isolated/session", this::create)
        .add("GET", "/v1/isolated/sessions", this::list)
        .add("GET", BASE, this::show)
        .add("DELETE", BASE, this::delete);
    runs.register(router);
    new ChangeRoutes(sessions).register(router);
    for (Router.Route route : creation.fileRoutes(List.of(), false).routes()) {
      String pattern = BASE + route.pattern();
      router.add(route.method(), pattern, exchange -> files(exchange, pattern));
    }
  }

  private void capabilities(Exchange exchange) throws IOException {
    Isolator.Capabilities found = isolator.capabilities();
    JsonWriter answer =
        new JsonWriter()
            .beginObject()
            .field("available", found.available())
            .field("isolator", "bwrap")
            .field("version", found.version())
            .field("message", found.message())
            .field("setpriv_available", found.available())
            .field("userns_available", found.userNamespaces())
            .field("commit_supported", found.available())
            .field("diff_supported", found.available())
            .field("share_net_overridable", true)
            .name("profiles")
            .beginArray()
            .value("strict")
            .value("balanced")
            .endArray()
            .name("allowed_workspaces")
            .beginArray()
            .endArray()
            .name("allowed_extra_writable_prefixes")
            .beginArray();
    WRITABLE_ROOTS.forEach(path -> answer.value(path.toString()));
    answer.endArray();
    isolator.filterDigest().ifPresent(digest -> answer.field("seccomp_profile_sha256", digest));
    answer.name("persist").beginObject().field("available", false).endObject();
    JsonResponses.send(exchange, 200, answer.endObject());
  }

  private void create(Exchange exchange) throws IOException {
    JsonObject body = JsonParser.parseObject(exchange.readBody(MAX_BODY_BYTES));
    isolator.require();
    IsolationRequest request = IsolationRequest.parse(body, WRITABLE_ROOTS);
    sessions.requireRoom();
    IsolatedSession session =
        creation.create(environment.ids().get(), request, environment.clock().instant());
    sessions.add(session);
    JsonResponses.send(exchange, 201, json.created(session));
  }

  private void list(Exchange exchange) throws IOException {
    Instant now = environment.clock().instant();
    JsonWriter answer = new JsonWriter().beginObject().name("sessions").beginArray();
    sessions.all().forEach(session -> json.state(answer.beginObject(), session, now).endObject());
    JsonResponses.send(exchange, 200, answer.endArray().endObject());
  }

  private void show(Exchange exchange) throws IOException {
    IsolatedSession session = sessions.find(exchange.pathParameter("id"));
    Instant now = environment.clock().instant();
    JsonWriter answer = json.state(new JsonWriter().beginObject(), session, now);
    JsonResponses.send(exchange, 200, json.parameters(answer, session.request()).endObject());
  }

  private void delete(Exchange exchange) throws IOException {
    sessions.remove(exchange.pathParameter("id"));
    exchange.respondEmpty(200);
  }

  /// Hands a file request to the routes of the session's directories, under the path they know.
  private void files(Exchange exchange, String pattern) throws IOException {
    IsolatedSession session = sessions.find(exchange.pathParameter("id"));
    String rawPath = exchange.rawPath();
    int start = rawPath.indexOf('/', "/v1/isolated/session/".length());
    boolean reads = exchange.method().equals("GET");
    Router files = reads ? session.files().reading() : session.files().writing();
    session.used(environment.clock().instant());
    session.using().readLock().lock();
    try {
      files.handle(exchange.withRawPath(rawPath.substring(start)));
    } finally {
      exchange.matched(pattern);
      session.using().readLock().unlock();
    }
  }
}
