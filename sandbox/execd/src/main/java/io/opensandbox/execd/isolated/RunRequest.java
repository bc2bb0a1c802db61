package io.opensandbox.execd.isolated;

import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.process.Credentials;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.execd.session.ShellLaunch;
import io.opensandbox.execd.session.ShellState;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What a client wants to be run.
///
/// @param code for the shell
/// @param folder where it begins; null for where the last run has ended
/// @param variables of the request, exported in the session's shell
/// @param environment that passes into the session
/// @param credentials null for execd's
record RunRequest(
    String code,
    @Nullable String folder,
    Map<String, String> variables,
    Map<String, String> environment,
    @Nullable Credentials credentials) {
  private static final int MAX_CODE_BYTES = 4 << 20;
  private static final long DEFAULT_TIMEOUT_SECONDS = 300;
  private static final long MAX_TIMEOUT_SECONDS = 24 * 3600;
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

  RunRequest {
    variables = Map.copyOf(variables);
    environment = Map.copyOf(environment);
  }

  static RunRequest parse(
      JsonObject body,
      IsolatedSession session,
      Map<String, String> environment,
      @Nullable Credentials credentials) {
    String code = body.stringOrEmpty("code");
    int length = code.getBytes(StandardCharsets.UTF_8).length;
    if (code.isBlank() || length > MAX_CODE_BYTES || code.indexOf('\0') >= 0) {
      throw invalid(
          "field \"code\" is required, with at most " + MAX_CODE_BYTES + " bytes and no NUL");
    }
    Map<String, String> variables = body.stringMap("envs");
    variables.forEach(RunRequest::requireUsable);
    return new RunRequest(
        code, folder(body.stringOrEmpty("cwd"), session), variables, environment, credentials);
  }

  private static void requireUsable(String name, String value) {
    if (!NAME.matcher(name).matches() || value.indexOf('\0') >= 0) {
      throw invalid("field \"envs\": no shell has a variable \"" + name + "\" with this value");
    }
  }

  private static @Nullable String folder(String cwd, IsolatedSession session) {
    if (cwd.isEmpty()) {
      return null;
    }
    if (cwd.indexOf('\0') >= 0) {
      throw invalid("field \"cwd\" contains a NUL character");
    }
    return session.request().mounts().getFirst().path().resolve(Path.of(cwd)).toString();
  }

  /// How long a run may take.
  static Duration timeout(JsonObject body) {
    long seconds = body.integer("timeout_seconds", 0, MAX_TIMEOUT_SECONDS).orElse(0);
    return Duration.ofSeconds(seconds == 0 ? DEFAULT_TIMEOUT_SECONDS : seconds);
  }

  /// The process in the session's namespace.
  ///
  /// @throws SpawnException when there is no shell
  ProcessSpec spec(IsolatedSession session) throws SpawnException {
    ShellState state = session.state();
    StringBuilder prelude = new StringBuilder();
    if (folder == null && state != null) {
      prelude.append("cd -- ").append(quoted(state.cwd())).append('\n');
    }
    variables.forEach((name, value) ->
        prelude.append("export ").append(name).append('=').append(quoted(value)).append('\n'));
    Map<String, String> ofProcess = new HashMap<>();
    if (state == null) {
      ofProcess.putAll(environment);
    }
    return ShellLaunch.find(environment.getOrDefault("PATH", ""))
        .spec(new ShellLaunch.Run(code, state, prelude.toString(), ofProcess, folder, credentials));
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message);
  }
}
