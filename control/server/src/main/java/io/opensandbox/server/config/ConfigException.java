package io.opensandbox.server.config;

import java.util.List;

/// A configuration that cannot be used. The message has one line per violation, each naming key and
/// line of the file.
public final class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ConfigException(String file, List<String> violations) {
    super("invalid configuration \"" + file + "\":\n  " + String.join("\n  ", violations));
  }
}
