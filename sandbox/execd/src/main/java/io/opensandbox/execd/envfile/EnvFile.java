package io.opensandbox.execd.envfile;

import io.opensandbox.protocol.execd.LateEnvironment;
import java.util.LinkedHashMap;
import java.util.Map;

/// What `KEY=VALUE` lines say. No quotes, no escapes, no `export`: the value is everything after
/// the first `=`.
///
/// @param sandbox what the sandbox was given after the daemon was started, as it stands: the lines
///   of [LateEnvironment]
/// @param commands the other lines, which are for commands, with `$NAME` and `${NAME}` replaced
///   from the environment of the daemon and of the sandbox
record EnvFile(Map<String, String> sandbox, Map<String, String> commands) {
  /// A file without variables.
  static final EnvFile EMPTY = new EnvFile(Map.of(), Map.of());

  EnvFile {
    sandbox = Map.copyOf(sandbox);
    commands = Map.copyOf(commands);
  }

  /// The variables of a file, the last of a name winning. Empty lines, lines that begin with `#`
  /// and lines without `=` or without a name are skipped.
  ///
  /// @param environment the daemon's, where references are looked up; an unknown one becomes empty
  static EnvFile parse(String text, Map<String, String> environment) {
    Map<String, String> sandbox = new LinkedHashMap<>();
    Map<String, String> commands = new LinkedHashMap<>();
    Map<String, String> lines = commands;
    int from = 0;
    while (from < text.length()) {
      int feed = text.indexOf('\n', from);
      int to = feed < 0 ? text.length() : feed;
      String line = text.substring(from, to).strip();
      if (line.equals(LateEnvironment.BEGIN)) {
        lines = sandbox;
      } else if (line.equals(LateEnvironment.END)) {
        lines = commands;
      }
      int equals = line.indexOf('=');
      if (equals > 0 && line.charAt(0) != '#' && line.indexOf('\0') < 0) {
        lines.put(line.substring(0, equals), line.substring(equals + 1));
      }
      from = to + 1;
    }
    Map<String, String> known = EnvFileSource.merge(environment, sandbox);
    commands.replaceAll((_, value) -> expand(value, known));
    return new EnvFile(sandbox, commands);
  }

  /// Go's `os.Expand`: besides names, a single special character or digit after `$` is a (never
  /// defined) name too; `$` before anything else, and an unclosed `${`, lose the `$` or `${`.
  private static String expand(String value, Map<String, String> environment) {
    int dollar = value.indexOf('$');
    if (dollar < 0) {
      return value;
    }
    var out = new StringBuilder(value.length());
    int at = 0;
    while (dollar >= 0 && dollar + 1 < value.length()) {
      out.append(value, at, dollar);
      Reference reference = referenceAt(value, dollar + 1);
      if (reference.literalDollar()) {
        out.append('$');
      }
      out.append(environment.getOrDefault(reference.name(), ""));
      at = reference.end();
      dollar = value.indexOf('$', at);
    }
    return out.append(value, at, value.length()).toString();
  }

  private static Reference referenceAt(String value, int at) {
    char first = value.charAt(at);
    if (first == '{') {
      int close = value.indexOf('}', at + 1);
      return close <= at + 1
          ? new Reference("", close < 0 ? at + 1 : close + 1, false)
          : new Reference(value.substring(at + 1, close), close + 1, false);
    }
    if ("*#$@!?-0123456789".indexOf(first) >= 0) {
      return new Reference(value.substring(at, at + 1), at + 1, false);
    }
    int end = at;
    while (end < value.length() && isNamePart(value.charAt(end))) {
      end++;
    }
    return new Reference(value.substring(at, end), end, end == at);
  }

  private static boolean isNamePart(char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  /// What stands after a `$`: the name, the index after it, and whether the `$` stays.
  private record Reference(String name, int end, boolean literalDollar) {}
}
