package io.opensandbox.execd.session;

import io.opensandbox.execd.command.CommandPlanner;
import io.opensandbox.execd.command.FolderExpansion;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;

/// Turns the `cwd` of requests into folders.
public final class SessionFolders {
  private final Supplier<Map<String, String>> environment;
  private final FolderExpansion expansion;
  private final CommandPlanner commands;

  /// @param environment what references are looked up in
  /// @param commands knows what a working folder of a run must be like
  public SessionFolders(
      Supplier<Map<String, String>> environment,
      FolderExpansion expansion,
      CommandPlanner commands) {
    this.environment = environment;
    this.expansion = expansion;
    this.commands = commands;
  }

  /// A folder that exists already; empty stays empty.
  ///
  /// @throws ExecdException [ErrorCode#INVALID_REQUEST_BODY] when it does not
  public String check(String cwd) {
    commands.checkFolder(cwd);
    return cwd.isEmpty() ? "" : expand(cwd).toString();
  }

  /// A folder that is made, with its parents, when it is not there; empty stays empty.
  ///
  /// @param errorPrefix begins the message of a failure
  /// @throws ExecdException [ErrorCode#RUNTIME_ERROR] when it cannot be made
  public String make(String cwd, String errorPrefix) {
    if (cwd.isEmpty()) {
      return "";
    }
    try {
      return Files.createDirectories(expand(cwd)).toString();
    } catch (IOException | ExecdException | InvalidPathException e) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR,
          errorPrefix + "cannot make the working directory \"" + cwd + "\": " + e.getMessage(),
          e);
    }
  }

  private Path expand(String cwd) {
    return Path.of(expansion.expand(cwd, environment.get())).toAbsolutePath().normalize();
  }
}
