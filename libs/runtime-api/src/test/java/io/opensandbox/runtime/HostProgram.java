package io.opensandbox.runtime;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// Programs of this machine that tests run.
public final class HostProgram {
  private HostProgram() {}

  /// Runs it to its end without input and returns what it prints, errors included.
  ///
  /// @throws IllegalStateException with what it printed, when it fails
  public static String run(List<String> command) {
    return run(new byte[0], command);
  }

  /// The same with bytes on standard input.
  public static String run(byte[] input, List<String> command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      try (OutputStream stdin = process.getOutputStream()) {
        stdin.write(input);
      }
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int code = process.waitFor();
      if (code != 0) {
        throw new IllegalStateException(command + " ended with " + code + ": " + output);
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
