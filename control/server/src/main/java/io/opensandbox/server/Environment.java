package io.opensandbox.server;

import java.io.PrintStream;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Map;

/// What a program takes from the process it runs in.
///
/// @param variables of the environment
/// @param home of the user, what `~` stands for
/// @param out standard output
record Environment(
    Map<String, String> variables, Path home, Clock clock, SecureRandom random, PrintStream out) {
  Environment {
    variables = Map.copyOf(variables);
  }

  /// Its text form hides the variables.
  @Override
  public String toString() {
    return "Environment[home=" + home + "]";
  }
}
