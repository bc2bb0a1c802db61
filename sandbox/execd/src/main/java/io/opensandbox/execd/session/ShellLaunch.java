package io.opensandbox.execd.session;

import io.opensandbox.execd.process.Credentials;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.SpawnException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The shell that is installed, and how a process of it runs a text with what an earlier one has
/// left. The new state comes from the process as [SessionOutput#state].
public final class ShellLaunch {
  private final Shell shell;
  private final String file;

  private ShellLaunch(Shell shell, String file) {
    this.shell = shell;
    this.file = file;
  }

  /// One run.
  ///
  /// @param state what the run before has left; null for the first
  /// @param prelude words that run before the text, in silence, after the state is back
  /// @param environment of the process; without a state also the variables of the shell
  /// @param folder where the process starts; null for the broker's
  /// @param credentials null for the broker's
  public record Run(
      String text,
      @Nullable ShellState state,
      String prelude,
      Map<String, String> environment,
      @Nullable String folder,
      @Nullable Credentials credentials) {}

  /// Looks for bash, then for sh.
  ///
  /// @param path the value of `PATH`
  /// @throws SpawnException when there is neither
  public static ShellLaunch find(String path) throws SpawnException {
    Optional<String> bash = Shell.BASH.find(path);
    if (bash.isPresent()) {
      return new ShellLaunch(Shell.BASH, bash.get());
    }
    return Shell.SH
        .find(path)
        .map(sh -> new ShellLaunch(Shell.SH, sh))
        .orElseThrow(() -> new SpawnException("exec: \"sh\": executable file not found in $PATH"));
  }

  /// The process for a run.
  public ProcessSpec spec(Run run) {
    List<String> argv = new ArrayList<>(shell.arguments());
    argv.addFirst(file);
    var inputs =
        List.of(
            new ProcessSpec.Input(Shell.RESTORE_DESCRIPTOR, restoring(run)),
            new ProcessSpec.Input(
                Shell.TEXT_DESCRIPTOR, run.text().getBytes(StandardCharsets.UTF_8)));
    return new ProcessSpec(
        argv,
        run.environment(),
        run.folder(),
        run.credentials(),
        new ProcessSpec.Pipes(false, false),
        new ProcessSpec.Descriptors(Shell.STATE_DESCRIPTOR, inputs));
  }

  private byte[] restoring(Run run) {
    var script = new ByteArrayOutputStream();
    if (run.state() != null) {
      script.writeBytes(run.state().script());
      script.writeBytes(shell.afterRestore().getBytes(StandardCharsets.US_ASCII));
    } else if (shell == Shell.BASH) {
      // As in an interactive shell: who defines an alias means to use it.
      script.writeBytes("shopt -s expand_aliases\n".getBytes(StandardCharsets.US_ASCII));
    }
    script.writeBytes(run.prelude().getBytes(StandardCharsets.UTF_8));
    return script.toByteArray();
  }
}
