package io.opensandbox.execd.command;

import io.opensandbox.execd.process.OutputHandler;
import java.io.IOException;
import java.util.Arrays;
import java.util.function.Consumer;

/// Writes the merged output of a background command into its journal, byte for byte. When that
/// fails the output is dropped, the command goes on.
final class BackgroundOutput implements OutputHandler {
  private final Command command;
  private final Consumer<String> warnings;
  private boolean journaling = true;

  BackgroundOutput(Command command, Consumer<String> warnings) {
    this.command = command;
    this.warnings = warnings;
  }

  @Override
  public void stdout(byte[] buffer, int offset, int length) {
    if (!journaling) {
      return;
    }
    try {
      byte[] bytes = offset == 0 ? buffer : Arrays.copyOfRange(buffer, offset, offset + length);
      command.journal().append(bytes, length, 0, false);
    } catch (IOException e) {
      journaling = false;
      warnings.accept("cannot keep the output of command " + command.id() + ": " + e.getMessage());
    }
  }

  @Override
  public void stderr(byte[] buffer, int offset, int length) {
    stdout(buffer, offset, length);
  }
}
