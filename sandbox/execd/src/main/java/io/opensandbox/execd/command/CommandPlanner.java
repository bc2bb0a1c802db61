package io.opensandbox.execd.command;

import io.opensandbox.execd.envfile.EnvFileSource;
import io.opensandbox.execd.process.Executables;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Looks up everything that a command needs: shell or program, environment, working folder.
public final class CommandPlanner {
  private static final List<String> SHELLS = List.of("bash", "sh");

  private final EnvFileSource envFile;
  private final FolderExpansion expansion;

  /// @param envFile gives the environment of each command
  public CommandPlanner(EnvFileSource envFile, FolderExpansion expansion) {
    this.envFile = envFile;
    this.expansion = expansion;
  }

  /// Checks a working folder with nothing but the sandbox's environment.
  ///
  /// @throws ExecdException [ErrorCode#INVALID_REQUEST_BODY] when it is no folder
  public void checkFolder(String cwd) {
    if (cwd.isEmpty()) {
      return;
    }
    Path folder;
    try {
      folder = Path.of(expansion.expand(cwd, envFile.sandbox()));
    } catch (ExecdException | InvalidPathException e) {
      throw invalid("cannot resolve working directory \"" + cwd + "\": " + e.getMessage());
    }
    if (Files.isDirectory(folder)) {
      return;
    }
    if (Files.exists(folder)) {
      throw invalid("working directory path is not a directory: " + folder);
    }
    if (Files.notExists(folder) && !Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      throw invalid("working directory does not exist: " + folder);
    }
    throw invalid("cannot access working directory " + folder);
  }

  /// The plan for a request whose folder was checked.
  ///
  /// @throws ExecdException [ErrorCode#RUNTIME_ERROR] when the folder cannot be expanded
  Plan plan(CommandRequest request) {
    EnvFileSource.Variables variables = envFile.read();
    Map<String, String> merged = new HashMap<>(variables.commands());
    merged.putAll(request.environment());
    String cwd = expandFolder(request.cwd(), merged);
    List<String> argv = new ArrayList<>();
    String missing =
        request.program() instanceof CommandRequest.Argv(List<String> given)
            ? program(given, merged, argv)
            : shell(request.program().content(), variables.sandbox(), argv);
    if (!missing.isEmpty()) {
      String problem = "exec: \"" + missing + "\": executable file not found in $PATH";
      return new Plan(null, problem, null, request.timeout());
    }
    var spec =
        new ProcessSpec(
            argv,
            merged,
            cwd.isEmpty() ? null : cwd,
            request.credentials(),
            new ProcessSpec.Pipes(request.stdin() != null, request.background()),
            ProcessSpec.Descriptors.NONE);
    return new Plan(spec, "", request.stdin(), request.timeout());
  }

  private String expandFolder(String cwd, Map<String, String> merged) {
    try {
      return cwd.isEmpty() ? "" : expansion.expand(cwd, merged);
    } catch (ExecdException e) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR, "error running commands " + e.getMessage(), e);
    }
  }

  /// Fills `argv`; gives the name of what is missing, or an empty text. The last argument is what
  /// the shell calls itself, in `$0` and before its error messages.
  private String shell(String content, Map<String, String> sandbox, List<String> argv) {
    String path = sandbox.getOrDefault("PATH", "");
    for (String name : SHELLS) {
      Optional<String> shell = Executables.find(name, path);
      if (shell.isPresent()) {
        argv.addAll(List.of(shell.get(), "-c", content, name));
        return "";
      }
    }
    return "sh";
  }

  private static String program(List<String> given, Map<String, String> merged, List<String> argv) {
    String name = given.getFirst();
    Optional<String> file = Executables.find(name, merged.getOrDefault("PATH", ""));
    if (file.isEmpty()) {
      return name;
    }
    argv.add(file.get());
    argv.addAll(given.subList(1, given.size()));
    return "";
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message);
  }
}
