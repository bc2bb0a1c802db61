package io.opensandbox.server;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;

/// Starts the program: the only place that reads the environment and the clock and ends the
/// process.
public final class Main {
  private Main() {}

  /// Runs the command line and exits with its status.
  public static void main(String[] arguments) {
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    var environment =
        new Environment(
            System.getenv(),
            Path.of(System.getProperty("user.home", "/")),
            Clock.systemUTC(),
            new SecureRandom(),
            out);
    int status = CommandLine.run(environment, arguments);
    if (status != CommandLine.STAYS) {
      System.exit(status);
    }
  }
}
