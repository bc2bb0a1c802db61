package io.opensandbox.execd.command;

import io.opensandbox.execd.account.Account;
import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonValue;
import io.opensandbox.execd.process.Credentials;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// A valid request to run something.
///
/// @param program what to run
/// @param cwd as given, not yet expanded; empty for execd's own
/// @param background whether the caller does not wait for the end
/// @param timeout zero for none
/// @param credentials null keeps execd's identity
/// @param environment wins over the env file, which wins over execd's own
/// @param stdin what the process reads; null for `/dev/null`
record CommandRequest(
    Program program,
    String cwd,
    boolean background,
    Duration timeout,
    @Nullable Credentials credentials,
    Map<String, String> environment,
    @Nullable String stdin) {

  CommandRequest {
    environment = Map.copyOf(environment);
  }

  /// What to run: a line for the shell, or a program and its arguments.
  sealed interface Program {
    /// The text that the status shows.
    String content();
  }

  /// Run by `bash -c`, or `sh -c` where there is no bash.
  record Shell(String content) implements Program {}

  /// Run without a shell; the first is looked up in `PATH`.
  record Argv(List<String> argv) implements Program {
    Argv {
      argv = List.copyOf(argv);
    }

    @Override
    public String content() {
      return String.join(" ", argv);
    }
  }

  /// A line of shell without any options.
  static CommandRequest ofLine(String line, boolean background) {
    return new CommandRequest(new Shell(line), "", background, Duration.ZERO, null, Map.of(), null);
  }

  /// Checks a decoded body. The working folder is checked by the caller, which knows the disk.
  ///
  /// @throws ExecdException [ErrorCode#INVALID_REQUEST_BODY]
  static CommandRequest of(JsonObject body, AccountDatabase accounts) {
    Program program = program(body);
    long timeoutMillis = body.integer("timeout").orElse(0);
    if (timeoutMillis < 0) {
      throw invalid("\"timeout\" must be 0 or more milliseconds, not " + timeoutMillis);
    }
    return new CommandRequest(
        program,
        body.stringOrEmpty("cwd"),
        body.flag("background"),
        Duration.ofMillis(timeoutMillis),
        credentials(body, accounts),
        environment(body),
        body.string("stdin").orElse(null));
  }

  private static Program program(JsonObject body) {
    String command = body.stringOrEmpty("command");
    Optional<JsonArray> argv = body.array("argv");
    if (argv.isEmpty()) {
      if (command.isEmpty()) {
        throw invalid("\"command\" is required and must not be empty");
      }
      return new Shell(command);
    }
    if (!command.isEmpty()) {
      throw invalid("give either \"command\" or \"argv\", not both");
    }
    List<String> arguments = new ArrayList<>();
    for (JsonValue argument : argv.get().values()) {
      if (!(argument instanceof JsonValue.Text(String text))) {
        throw invalid("\"argv\" must hold strings only, not " + argument.kind());
      }
      arguments.add(text);
    }
    if (arguments.isEmpty() || arguments.getFirst().isEmpty()) {
      throw invalid("\"argv\" must begin with the program to run");
    }
    return new Argv(arguments);
  }

  private static @Nullable Credentials credentials(JsonObject body, AccountDatabase accounts) {
    OptionalLong uid = uid(body, accounts);
    OptionalLong gid = gid(body, accounts);
    if (uid.isEmpty()) {
      if (gid.isPresent()) {
        throw invalid("uid is required when gid is provided");
      }
      return null;
    }
    return Credentials.of(accounts, uid.getAsLong(), gid);
  }

  private static OptionalLong uid(JsonObject body, AccountDatabase accounts) {
    if (body.find("uid") instanceof JsonValue.Text(String name)) {
      OptionalLong number = AccountDatabase.parseId(name);
      if (number.isPresent()) {
        return number;
      }
      long found =
          accounts
              .findUser(name)
              .map(Account::uid)
              .orElseThrow(() -> invalid("\"uid\" names the unknown user \"" + name + "\""));
      return OptionalLong.of(found);
    }
    return body.integer("uid", 0, AccountDatabase.MAX_ID);
  }

  private static OptionalLong gid(JsonObject body, AccountDatabase accounts) {
    if (body.find("gid") instanceof JsonValue.Text(String name)) {
      OptionalLong number = AccountDatabase.parseId(name);
      if (number.isPresent()) {
        return number;
      }
      OptionalLong found = accounts.findGroup(name);
      if (found.isEmpty()) {
        throw invalid("\"gid\" names the unknown group \"" + name + "\"");
      }
      return found;
    }
    return body.integer("gid", 0, AccountDatabase.MAX_ID);
  }

  private static Map<String, String> environment(JsonObject body) {
    Map<String, String> variables = body.stringMap("envs");
    variables.forEach((name, value) -> {
      if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf('\0') >= 0) {
        throw invalid("\"envs\" has the impossible variable name \"" + name + "\"");
      }
      if (value.indexOf('\0') >= 0) {
        throw invalid("\"envs." + name + "\" contains a NUL character");
      }
    });
    return variables;
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(
        ErrorCode.INVALID_REQUEST_BODY, "invalid request, validation error " + message);
  }
}
