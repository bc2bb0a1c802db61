package io.opensandbox.execd.code;

import io.opensandbox.execd.command.CommandRoutes;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.kernel.NoKernelException;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.execd.sql.SqlDatabase;
import io.opensandbox.execd.sql.SqlException;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The routes below `/code`, interruption excepted (it is the same as that of commands).
public final class CodeRoutes {
  private static final long MAX_BODY_BYTES = 16 << 20;
  private static final String RUN_PREFIX = "error running codes ";
  private static final String CREATE_PREFIX = "error creating code context. ";
  private static final String NOT_CONFIGURED =
      RUN_PREFIX + "language runtime server not configured, please check your image runtime";

  private final CodeContexts contexts;
  private final CommandRoutes commands;
  private final SqlDatabase database;
  private final PathView paths;
  private final Clock clock;
  private final long outputLimitBytes;
  private final Consumer<String> warnings;

  /// The routes over one set of contexts.
  ///
  /// @param commands runs the shell languages
  /// @param outputLimitBytes of one run
  /// @param warnings told about what goes wrong outside of a request
  public CodeRoutes(
      CodeContexts contexts,
      CommandRoutes commands,
      SqlDatabase database,
      PathView paths,
      Clock clock,
      long outputLimitBytes,
      Consumer<String> warnings) {
    this.contexts = contexts;
    this.commands = commands;
    this.database = database;
    this.paths = paths;
    this.clock = clock;
    this.outputLimitBytes = outputLimitBytes;
    this.warnings = warnings;
  }

  /// Adds the routes.
  public void register(Router router) {
    router
        .add("POST", "/code", this::run)
        .add("POST", "/code/context", this::create)
        .add("GET", "/code/contexts", this::list)
        .add("DELETE", "/code/contexts", this::deleteByLanguage)
        .add("GET", "/code/contexts/{id}", this::get)
        .add("DELETE", "/code/contexts/{id}", this::delete);
  }

  private void run(Exchange exchange) throws IOException {
    JsonObject body = JsonParser.parseObject(exchange.readBody(MAX_BODY_BYTES));
    String code = body.stringOrEmpty("code");
    if (code.isEmpty()) {
      throw invalid("field \"code\" must not be empty");
    }
    JsonObject context = body.object("context").orElse(JsonObject.EMPTY);
    String language = context.stringOrEmpty("language");
    switch (language) {
      case "", Languages.COMMAND -> commands.run(exchange, code, false);
      case Languages.BACKGROUND_COMMAND -> commands.run(exchange, code, true);
      case Languages.SQL -> runSql(exchange, code);
      default -> runKernel(exchange, code, language, context.stringOrEmpty("id"));
    }
  }

  private void runKernel(Exchange exchange, String code, String language, String id)
      throws IOException {
    if (!Languages.isKernel(language)) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR, RUN_PREFIX + "unknown language: " + language);
    }
    CodeContext context = id.isEmpty() ? defaultContext(language) : find(id, RUN_PREFIX);
    stream(exchange, context.id(), run -> runIn(context, code, run));
  }

  private static void runIn(CodeContext context, String code, CodeRun run) throws IOException {
    if (!context.run(code, run)) {
      String message = RUN_PREFIX + "session is busy";
      run.error(ErrorCode.RUNTIME_ERROR.wire(), message, List.of(message));
    }
  }

  private CodeContext defaultContext(String language) throws IOException {
    try {
      return contexts.defaultFor(language);
    } catch (NoKernelException e) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR, NOT_CONFIGURED + " (" + e.getMessage() + ")", e);
    } catch (IOException e) {
      throw new ExecdException(ErrorCode.RUNTIME_ERROR, RUN_PREFIX + e.getMessage(), e);
    }
  }

  private void runSql(Exchange exchange, String statement) throws IOException {
    stream(
        exchange,
        UUID.randomUUID().toString(),
        run -> {
          try {
            String json = database.run(statement).toJson();
            run.result(1, Map.of("text", json, "text/plain", json));
            run.complete();
          } catch (SqlException e) {
            run.error(e.stage().wire(), String.valueOf(e.getMessage()), List.of());
          }
        });
  }

  /// Runs the work on a thread of its own, while the request's thread sends the pings.
  private void stream(Exchange exchange, String id, Work work) throws IOException {
    EventStream stream = EventStream.start(exchange, clock);
    CodeRun run = new CodeRun(stream, id, clock, outputLimitBytes);
    Thread.ofVirtual().name("code-" + id).start(() -> perform(work, run));
    stream.pingUntilEnd();
  }

  private void perform(Work work, CodeRun run) {
    try {
      try {
        work.perform(run);
      } catch (IOException e) {
        run.error(ErrorCode.RUNTIME_ERROR.wire(), RUN_PREFIX + e.getMessage(), List.of());
      }
    } catch (IOException e) {
      warnings.accept("cannot end a code run: " + e.getMessage());
    }
  }

  private void create(Exchange exchange) throws IOException {
    JsonObject body = JsonParser.parseObject(exchange.readBody(MAX_BODY_BYTES));
    String language = body.stringOrEmpty("language");
    String cwd = body.stringOrEmpty("cwd");
    if (!Languages.isKernel(language)) {
      throw invalid(
          "field \"language\" must be one of bash, go, java, javascript, python, typescript, not \""
              + language
              + "\"");
    }
    CodeContext context;
    try {
      context = contexts.create(language, directory(cwd));
    } catch (NoKernelException e) {
      throw new ExecdException(ErrorCode.RUNTIME_ERROR, CREATE_PREFIX + NOT_CONFIGURED, e);
    } catch (IOException e) {
      throw new ExecdException(ErrorCode.RUNTIME_ERROR, CREATE_PREFIX + e.getMessage(), e);
    }
    JsonWriter json = new JsonWriter().beginObject();
    json.field("id", context.id()).field("language", language);
    if (!cwd.isEmpty()) {
      json.field("cwd", cwd);
    }
    JsonResponses.send(exchange, 200, json.endObject());
  }

  private @Nullable Path directory(String cwd) throws IOException {
    if (cwd.isEmpty()) {
      return null;
    }
    Path directory;
    try {
      directory = paths.expand(cwd);
    } catch (ExecdException e) {
      throw invalid("cannot resolve working directory \"" + cwd + "\": " + e.getMessage());
    }
    Files.createDirectories(directory);
    return directory;
  }

  private void list(Exchange exchange) throws IOException {
    Optional<String> language = exchange.query().first("language").filter(text -> !text.isEmpty());
    language.ifPresent(CodeRoutes::refuseShellLanguage);
    JsonWriter json = new JsonWriter().beginArray();
    for (CodeContext context : contexts.all()) {
      if (language.isEmpty() || language.get().equals(context.language())) {
        write(context, json);
      }
    }
    JsonResponses.send(exchange, 200, json.endArray());
  }

  private void get(Exchange exchange) throws IOException {
    JsonWriter json = new JsonWriter();
    write(find(exchange.pathParameter("id"), ""), json);
    JsonResponses.send(exchange, 200, json);
  }

  private void delete(Exchange exchange) throws IOException {
    String id = exchange.pathParameter("id");
    if (!contexts.delete(id)) {
      throw notFound(id, "");
    }
    exchange.respondEmpty(200);
  }

  private void deleteByLanguage(Exchange exchange) throws IOException {
    String language = exchange.query().first("language").orElse("");
    if (language.isEmpty()) {
      throw new ExecdException(ErrorCode.MISSING_QUERY, "missing query parameter \"language\"");
    }
    refuseShellLanguage(language);
    for (CodeContext context : contexts.all()) {
      if (context.language().equals(language)) {
        contexts.delete(context.id());
      }
    }
    exchange.respondEmpty(200);
  }

  private static void refuseShellLanguage(String language) {
    if (Languages.isKnown(language) && !Languages.isKernel(language)) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR, "unsupported language context operation: " + language);
    }
  }

  private static void write(CodeContext context, JsonWriter json) {
    json.beginObject().field("id", context.id()).field("language", context.language()).endObject();
  }

  private CodeContext find(String id, String prefix) {
    return contexts.find(id).orElseThrow(() -> notFound(id, prefix));
  }

  private static ExecdException notFound(String id, String prefix) {
    return new ExecdException(
        ErrorCode.CONTEXT_NOT_FOUND,
        prefix.isEmpty() ? "context " + id + " not found" : prefix + "context not found: " + id);
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message);
  }

  @FunctionalInterface
  private interface Work {
    void perform(CodeRun run) throws IOException;
  }
}
