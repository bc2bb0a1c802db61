package io.opensandbox.execd.isolated;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.file.Leftovers;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.process.Spawner;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
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
  private final Environment environment;
  private final IsolationLimits limits;
  private final Isolator isolator;
  private final SessionFiles files;
  private final IsolatedSessions sessions;
  private final SessionJson json;
  private final Creation creation;
  private final RunRoutes runs;

  /// What the routes need from outside.
  ///
  /// @param variables the sandbox's as they are now
  /// @param limits of sessions, and where they keep their files
  /// @param leftovers where temporaries of uploads are noted
  /// @param tools the files of others
  /// @param ids a new id at each call
  /// @param warnings told about what goes wrong outside of a request
  public record Environment(
      Spawner spawner,
      Supplier<Map<String, String>> variables,
      IsolationLimits limits,
      Leftovers leftovers,
      Tools tools,
      Clock clock,
      Supplier<String> ids,
      Consumer<String> warnings) {}

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
    this.limits = environment.limits();
    FileTimes times = new FileTimes(environment.clock().getZone());
    AccountDatabase accounts = AccountDatabase.ofSystem();
    this.isolator =
        new Isolator(
            environment.spawner(), environment.variables(), environment.tools(), limits.roots());
    this.files = new SessionFiles(accounts, times, environment.leftovers());
    this.sessions = new IsolatedSessions(environment.clock(), environment.warnings());
    this.json = new SessionJson(times);
    this.creation = new Creation(isolator, limits.upperBytes(), files);
    this.runs = new RunRoutes(sessions, environment, json, accounts);
  }

  /// Whether there is no session, so that the daemon may hibernate.
  public boolean isIdle() {
    return sessions.isEmpty();
  }

  /// Removes what sessions of a daemon before this one have left. Call it before there are any.
  public void sweep() throws IOException {
    isolator.sweep(environment.clock().instant());
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
    new ChangeRoutes(sessions, limits.diffBytes()).register(router);
    for (Router.Route route : files.routes()) {
      String pattern = BASE + route.pattern();
      SessionFiles.Use use = SessionFiles.Use.of(route);
      router.add(route.method(), pattern, exchange -> files(exchange, pattern, use));
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
            .field("setpriv_available", found.available() && !found.mapped())
            .field("userns_available", found.userNamespaces())
            .field("commit_supported", found.available())
            .field("diff_supported", found.available())
            .field("share_net_overridable", true)
            .field("overlay", found.overlays().mounted() ? "overlayfs" : "copy");
    array(answer, "profiles", List.of("strict", "balanced"));
    array(answer, "allowed_workspaces", List.of());
    array(
        answer,
        "allowed_extra_writable_prefixes",
        limits.writableRoots().stream().map(Path::toString).toList());
    isolator.filterDigest().ifPresent(digest -> answer.field("seccomp_profile_sha256", digest));
    answer.name("persist").beginObject().field("available", found.overlays().onVolume());
    answer.field("max_size_bytes_default", limits.persistentBytes());
    answer.field("max_size_bytes_limit", limits.upperBytes());
    answer.field("retain_seconds_default", IsolationRequest.Persistence.DEFAULT_RETAIN_SECONDS);
    JsonResponses.send(exchange, 200, answer.endObject().endObject());
  }

  private static void array(JsonWriter answer, String name, List<String> values) {
    answer.name(name).beginArray();
    values.forEach(answer::value);
    answer.endArray();
  }

  private void create(Exchange exchange) throws IOException {
    JsonObject body = JsonParser.parseObject(exchange.readBody(MAX_BODY_BYTES));
    isolator.require();
    IsolationRequest request = IsolationRequest.parse(body, limits);
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
  private void files(Exchange exchange, String pattern, SessionFiles.Use use) throws IOException {
    IsolatedSession session = sessions.find(exchange.pathParameter("id"));
    String rawPath = exchange.rawPath();
    int start = rawPath.indexOf('/', "/v1/isolated/session/".length());
    session.used(environment.clock().instant());
    session.using().readLock().lock();
    try {
      Router routes = session.files(use);
      if (use.writes() && session.exceedsLimit(incomingBytes(exchange))) {
        throw new ExecdException(ErrorCode.DISK_FULL, SessionLimits.TOO_MUCH);
      }
      routes.handle(exchange.withRawPath(rawPath.substring(start)));
    } finally {
      exchange.matched(pattern);
      session.using().readLock().unlock();
    }
  }

  /// Of content that is to be stored, as far as the request tells.
  private static long incomingBytes(Exchange exchange) {
    if (!exchange.path().endsWith("/files/upload")) {
      return 0;
    }
    try {
      return Long.parseLong(exchange.headers().first("Content-Length").orElse("0"));
    } catch (NumberFormatException _) {
      return 0;
    }
  }
}
