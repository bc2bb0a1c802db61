package io.opensandbox.execd;

import io.opensandbox.execd.command.CommandLimits;
import io.opensandbox.execd.duration.GoDuration;
import io.opensandbox.execd.isolated.IsolationLimits;
import io.opensandbox.execd.log.Level;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// How execd was told to run. A flag wins over the environment, which wins over the default.
///
/// @param port to bind when the launcher has passed no listener
/// @param accessToken empty for none
/// @param log where and how much to log
/// @param jupyter the kernel server
/// @param code how code contexts run
/// @param commands what is remembered of commands
/// @param isolation limits of isolated sessions
/// @param hibernateAfter zero for never
/// @param temporaryFolder for output of commands
record Settings(
    int port,
    String accessToken,
    LogSettings log,
    Jupyter jupyter,
    Code code,
    CommandLimits commands,
    IsolationLimits isolation,
    Duration hibernateAfter,
    String temporaryFolder) {
  private static final int DEFAULT_PORT = 44772;
  private static final long DEFAULT_CODE_OUTPUT_BYTES = 10 << 20;
  private static final Set<String> FLAGS =
      Set.of(
          "port",
          "access-token",
          "jupyter-host",
          "jupyter-token",
          "log-level",
          "graceful-shutdown-timeout",
          "jupyter-idle-poll-interval",
          "warm-kernel",
          "code-output-limit",
          "hibernate-after",
          "isolation-upper-root",
          "isolation-upper-max-bytes",
          "isolation-diff-max-bytes",
          "isolation-allowed-writable",
          "command-records",
          "command-retention",
          "command-output-limit",
          "command-output-total");

  /// @param outputs `stdout`, `stderr` or files
  record LogSettings(Level level, List<String> outputs) {
    LogSettings {
      outputs = List.copyOf(outputs);
    }
  }

  /// @param host base URL; empty for none
  /// @param token for REST and WebSocket
  /// @param idlePoll pause after a kernel has become idle
  record Jupyter(String host, String token, Duration idlePoll) {}

  /// @param warmKernel the language of which one kernel is kept in reserve; empty for none
  /// @param outputLimitBytes of one run; what goes beyond is dropped with a notice
  record Code(String warmKernel, long outputLimitBytes) {}

  /// Reads flags and environment.
  ///
  /// @throws IllegalArgumentException names the flag or variable and what is allowed
  static Settings of(List<String> arguments, Map<String, String> environment) {
    var source = new Source(flags(arguments), environment);
    // Accepted and checked for compatibility; streams end by themselves and need no tail wait.
    source.duration("graceful-shutdown-timeout", "EXECD_API_GRACE_SHUTDOWN", "1s");
    return new Settings(
        (int) source.number("port", "", DEFAULT_PORT, 0, 65535),
        source.text("access-token", "EXECD_ACCESS_TOKEN", ""),
        new LogSettings(
            Level.ofFlag((int) source.number("log-level", "", 6, 0, Integer.MAX_VALUE)),
            logOutputs(environment)),
        jupyter(source, environment),
        new Code(
            source.text("warm-kernel", "EXECD_WARM_KERNEL", ""),
            source.number(
                "code-output-limit",
                "EXECD_CODE_OUTPUT_LIMIT",
                DEFAULT_CODE_OUTPUT_BYTES,
                1024,
                Long.MAX_VALUE)),
        commands(source),
        isolation(source),
        source.duration("hibernate-after", "EXECD_HIBERNATE_AFTER", "10m"),
        source.text("", "TMPDIR", "/tmp"));
  }

  private static Map<String, String> flags(List<String> arguments) {
    Map<String, String> flags = new HashMap<>();
    for (int i = 0; i < arguments.size(); i++) {
      String argument = arguments.get(i);
      String name =
          argument.startsWith("--")
              ? argument.substring(2)
              : argument.substring(Math.min(1, argument.length()));
      int equals = name.indexOf('=');
      String key = equals < 0 ? name : name.substring(0, equals);
      if (!argument.startsWith("-") || !FLAGS.contains(key)) {
        throw new IllegalArgumentException(
            "unknown argument \""
                + argument
                + "\"; known flags: --"
                + String.join(", --", FLAGS.stream().sorted().toList()));
      }
      if (equals < 0 && i + 1 == arguments.size()) {
        throw new IllegalArgumentException("flag --" + key + " needs a value");
      }
      flags.put(key, equals < 0 ? arguments.get(++i) : name.substring(equals + 1));
    }
    return flags;
  }

  private static List<String> logOutputs(Map<String, String> environment) {
    String file = environment.getOrDefault("EXECD_LOG_FILE", "");
    if (!file.isEmpty()) {
      return List.of(file);
    }
    List<String> outputs = new ArrayList<>();
    for (String output : environment.getOrDefault("OPENSANDBOX_LOG_OUTPUT", "").split(",", -1)) {
      if (!output.isBlank()) {
        outputs.add(output.strip());
      }
    }
    return outputs.isEmpty() ? List.of("stdout") : outputs;
  }

  private static Jupyter jupyter(Source source, Map<String, String> environment) {
    String fromEnvironment = environment.getOrDefault("JUPYTER_HOST", "");
    if (!fromEnvironment.isEmpty()
        && !fromEnvironment.startsWith("http://")
        && !fromEnvironment.startsWith("https://")) {
      throw new IllegalArgumentException(
          "JUPYTER_HOST must begin with http:// or https://, not \"" + fromEnvironment + "\"");
    }
    Duration poll =
        source.duration("jupyter-idle-poll-interval", "EXECD_JUPYTER_IDLE_POLL_INTERVAL", "100ms");
    return new Jupyter(
        source.text("jupyter-host", "JUPYTER_HOST", ""),
        source.text("jupyter-token", "JUPYTER_TOKEN", ""),
        poll.isPositive() ? poll : Duration.ofMillis(100));
  }

  private static CommandLimits commands(Source source) {
    CommandLimits usual = CommandLimits.DEFAULT;
    return new CommandLimits(
        (int)
            source.number(
                "command-records", "EXECD_COMMAND_RECORDS", usual.records(), 1, 1_000_000),
        source.duration(
            "command-retention", "EXECD_COMMAND_RETENTION", usual.age().toHours() + "h"),
        usual.running(),
        source.number(
            "command-output-limit",
            "EXECD_COMMAND_OUTPUT_LIMIT",
            usual.outputBytes(),
            64 << 10,
            Long.MAX_VALUE / 4),
        source.number(
            "command-output-total",
            "EXECD_COMMAND_OUTPUT_TOTAL",
            usual.totalOutputBytes(),
            64 << 10,
            Long.MAX_VALUE / 4));
  }

  /// Without a flag, sessions keep their files where only root may, else with other temporaries;
  /// daemons on several ports do not share them.
  private static IsolationLimits isolation(Source source) {
    long port = source.number("port", "", DEFAULT_PORT, 0, 65535);
    String root = source.text("isolation-upper-root", "EXECD_ISOLATION_UPPER_ROOT", "");
    String temporaries = source.text("", "TMPDIR", "/tmp");
    List<Path> roots =
        root.isEmpty()
            ? List.of(
                Path.of("/var/lib/execd/isolation", Long.toString(port)),
                Path.of(temporaries, "execd-isolated-" + port))
            : List.of(absolute("isolation-upper-root", root));
    return new IsolationLimits(
        roots,
        source.number(
            "isolation-upper-max-bytes",
            "EXECD_ISOLATION_UPPER_MAX_BYTES",
            IsolationLimits.MAX_UPPER_BYTES,
            1,
            IsolationLimits.MAX_UPPER_BYTES),
        source.number(
            "isolation-diff-max-bytes",
            "EXECD_ISOLATION_DIFF_MAX_BYTES",
            IsolationLimits.DEFAULT_DIFF_BYTES,
            1,
            Long.MAX_VALUE),
        writableRoots(source));
  }

  private static List<Path> writableRoots(Source source) {
    String text = source.text("isolation-allowed-writable", "EXECD_ISOLATION_ALLOWED_WRITABLE", "");
    List<Path> roots = new ArrayList<>();
    for (String root : text.split(",", -1)) {
      if (!root.isBlank()) {
        roots.add(absolute("isolation-allowed-writable", root.strip()));
      }
    }
    return roots.isEmpty() ? IsolationLimits.DEFAULT_WRITABLE_ROOTS : roots;
  }

  private static Path absolute(String flag, String text) {
    try {
      Path path = Path.of(text);
      if (path.isAbsolute()) {
        return path.normalize();
      }
    } catch (InvalidPathException _) { // answered below
    }
    throw new IllegalArgumentException(
        "--" + flag + " must be an absolute path, not \"" + text + "\"");
  }

  /// Flags and environment together.
  private record Source(Map<String, String> flags, Map<String, String> environment) {
    String text(String flag, String variable, String usual) {
      String set = flags.get(flag);
      if (set != null) {
        return set;
      }
      String value = environment.getOrDefault(variable, "");
      return value.isEmpty() ? usual : value;
    }

    Duration duration(String flag, String variable, String usual) {
      try {
        Duration duration = GoDuration.parse(text(flag, variable, usual));
        if (!duration.isNegative()) {
          return duration;
        }
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(name(flag, variable) + ": " + e.getMessage(), e);
      }
      throw new IllegalArgumentException(name(flag, variable) + " must not be negative");
    }

    long number(String flag, String variable, long usual, long min, long max) {
      String text = text(flag, variable, Long.toString(usual));
      try {
        long number = Long.parseLong(text);
        if (number >= min && number <= max) {
          return number;
        }
      } catch (NumberFormatException _) { // answered below, like a number out of range
      }
      throw new IllegalArgumentException(
          "%s must be a number from %d to %d, not \"%s\""
              .formatted(name(flag, variable), min, max, text));
    }

    private static String name(String flag, String variable) {
      return variable.isEmpty() ? "--" + flag : "--" + flag + " (" + variable + ")";
    }
  }
}
