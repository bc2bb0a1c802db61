package io.opensandbox.execd.pty;

import io.opensandbox.execd.process.Executables;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.execd.process.Spawner;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Starts the shell of a session: bash without start files, or `sh` where there is no bash.
final class PtyShell {
  private static final int ROWS = 24;
  private static final int COLUMNS = 80;

  private final Spawner spawner;
  private final Map<String, String> environment;
  private final String folder;
  private final String command;

  /// @param folder empty for execd's own
  /// @param command run by the shell; empty for an interactive shell
  PtyShell(Spawner spawner, Map<String, String> environment, String folder, String command) {
    Map<String, String> variables = new HashMap<>(environment);
    variables.put("TERM", "xterm-256color");
    this.spawner = spawner;
    this.environment = Map.copyOf(variables);
    this.folder = folder;
    this.command = command;
  }

  RunningProcess start(boolean terminal) throws SpawnException {
    ProcessSpec.Stdio stdio =
        terminal ? new ProcessSpec.Terminal(ROWS, COLUMNS) : new ProcessSpec.Pipes(true, false);
    return spawner.start(
        new ProcessSpec(
            argv(),
            environment,
            folder.isEmpty() ? null : folder,
            null,
            stdio,
            ProcessSpec.Descriptors.NONE));
  }

  private List<String> argv() throws SpawnException {
    String path = environment.getOrDefault("PATH", "");
    List<String> argv = new ArrayList<>();
    Optional<String> bash = Executables.find("bash", path);
    if (bash.isPresent()) {
      argv.addAll(List.of(bash.get(), "--norc", "--noprofile"));
    } else {
      argv.add(
          Executables.find("sh", path)
              .orElseThrow(
                  () -> new SpawnException("exec: \"sh\": executable file not found in $PATH")));
    }
    if (!command.isEmpty()) {
      argv.addAll(List.of("-c", command));
    }
    return argv;
  }
}
