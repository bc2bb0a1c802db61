package io.opensandbox.execd.command;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.event.EventBuffer;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.Unrecorded;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.process.Spawner;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// The routes below `/command`, interruption excepted ([InterruptRoute]).
public final class CommandRoutes implements Interruptible {
  /// Between TERM and KILL when a command is interrupted.
  private static final Duration INTERRUPT_GRACE = Duration.ofSeconds(3);

  private static final long MAX_BODY_BYTES = 16 << 20;
  private static final int MAX_KEY_CHARS = 255;
  private static final byte[] NOTHING = {};

  private final CommandLog log;
  private final CommandRunner runner;
  private final CommandPlanner planner;
  private final AccountDatabase accounts;
  private final Clock clock;
  private final Supplier<String> ids;

  /// @param ids a new command id at each call
  /// @param messages gets each command's text, masked, and what goes wrong outside of a request
  public CommandRoutes(
      Spawner spawner,
      CommandLog log,
      CommandPlanner planner,
      AccountDatabase accounts,
      Clock clock,
      Supplier<String> ids,
      Log messages) {
    this.log = log;
    this.runner = new CommandRunner(spawner, log, clock, messages);
    this.planner = planner;
    this.accounts = accounts;
    this.clock = clock;
    this.ids = ids;
  }

  /// Adds the routes.
  public void register(Router router) {
    router
        .add("POST", "/command", this::run)
        .add("GET", "/command", this::list)
        .add("GET", "/command/status/{id}", this::status)
        .add("GET", "/command/{id}/logs", new LogsRoute(log))
        .add("GET", "/command/{id}/stream", this::resume);
  }

  private void run(Exchange exchange) throws IOException {
    byte[] body = exchange.readBody(MAX_BODY_BYTES);
    CommandRequest request = CommandRequest.of(parse(body), accounts);
    planner.checkFolder(request.cwd());
    Optional<String> key = exchange.headers().first("Idempotency-Key");
    if (key.isPresent() && (key.get().isEmpty() || key.get().length() > MAX_KEY_CHARS)) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY, "the Idempotency-Key must have 1 to 255 characters");
    }
    long after = lastEventId(exchange);
    Plan plan = planner.plan(request);
    if (Unrecorded.isAskedBy(exchange.headers())) {
      start(exchange, log.addUnrecorded(ids.get(), request), plan);
      return;
    }
    CommandLog.Added added = log.add(ids.get(), request, key.orElse(null), fingerprint(body));
    if (added.fresh()) {
      start(exchange, added.command(), plan);
    } else if (request.background()) {
      repeatBackground(exchange, added.command());
    } else {
      new JournalStream(exchange, clock).send(added.command(), after);
    }
  }

  /// Runs a line of shell for another route, without any options.
  public void run(Exchange exchange, String line, boolean background) throws IOException {
    CommandRequest request = CommandRequest.ofLine(line, background);
    Plan plan = planner.plan(request);
    CommandLog.Added added = log.add(ids.get(), request, null, 0);
    start(exchange, added.command(), plan);
  }

  private void start(Exchange exchange, Command command, Plan plan) throws IOException {
    EventStream stream = EventStream.start(exchange, clock);
    if (command.isBackground()) {
      runner.runBackground(command, plan, stream);
    } else {
      runner.runForeground(command, plan, stream);
    }
    stream.pingUntilEnd();
  }

  private void repeatBackground(Exchange exchange, Command command) throws IOException {
    command.awaitStart();
    EventStream stream = EventStream.start(exchange, clock);
    var events = new EventBuffer(clock, stream);
    events.init(command.id());
    events.ping();
    if (command.state() instanceof CommandState.Failed(String error, _)) {
      events.error("CommandExecError", error, List.of(error));
    } else {
      events.complete(0);
    }
    events.flush();
    stream.end(NOTHING, 0);
  }

  private void resume(Exchange exchange) throws IOException {
    Command command = find(exchange.pathParameter("id"));
    if (command.isBackground()) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY,
          "command " + command.id() + " runs in background and has no stream; read its logs");
    }
    new JournalStream(exchange, clock).send(command, lastEventId(exchange));
  }

  private void list(Exchange exchange) throws IOException {
    var json = new JsonWriter().beginArray();
    var writer = new CommandJson(clock.getZone());
    log.all().forEach(command -> writer.write(command, json));
    JsonResponses.send(exchange, 200, json.endArray());
  }

  private void status(Exchange exchange) throws IOException {
    var json = new JsonWriter();
    new CommandJson(clock.getZone()).write(find(exchange.pathParameter("id")), json);
    JsonResponses.send(exchange, 200, json);
  }

  /// Interrupts a command.
  @Override
  public boolean interrupt(String id) throws IOException {
    Optional<Command> command = log.find(id);
    if (command.isEmpty()) {
      return false;
    }
    if (!command.get().interrupt(INTERRUPT_GRACE)) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR, "command session " + id + " is not running");
    }
    return true;
  }

  private Command find(String id) {
    return log.find(id)
        .orElseThrow(
            () -> new ExecdException(ErrorCode.COMMAND_NOT_FOUND, "command not found: " + id));
  }

  private static JsonObject parse(byte[] body) {
    try {
      return JsonParser.parseObject(body);
    } catch (ExecdException e) {
      throw new ExecdException(
          e.code(), "error parsing request, MAYBE invalid body format. " + e.getMessage(), e);
    }
  }

  private static long fingerprint(byte[] body) {
    return (long) body.length << 32 | Integer.toUnsignedLong(Arrays.hashCode(body));
  }

  /// How many events the client has already; pings do not count.
  private static long lastEventId(Exchange exchange) {
    String text = exchange.headers().first("Last-Event-ID").orElse("0");
    try {
      long id = Long.parseLong(text);
      if (id >= 0) {
        return id;
      }
    } catch (NumberFormatException _) { // answered below, like a negative one
    }
    throw new ExecdException(
        ErrorCode.INVALID_REQUEST_BODY,
        "Last-Event-ID must be the number of events received, not \"" + text + "\"");
  }
}
