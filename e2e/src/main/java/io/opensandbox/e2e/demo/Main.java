package io.opensandbox.e2e.demo;

import io.opensandbox.e2e.wire.Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Runs the tour against a server: `Main URL KEY_FILE IMAGE`. Ends with status 1 and one line of
/// explanation when a step fails.
public final class Main {
  private Main() {}

  /// Starts the program.
  ///
  /// @param arguments the server's URL, the file with the API key, the image
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 3) {
      System.err.println("usage: Main URL KEY_FILE IMAGE");
      System.exit(2);
    }
    var key = Files.readString(Path.of(arguments[1])).strip();
    try (var server = new Server(arguments[0], key)) {
      new Tour(server, arguments[2], System.out).run();
    } catch (RuntimeException e) {
      System.err.println("quickstart: " + e.getMessage());
      System.exit(1);
    }
  }
}
