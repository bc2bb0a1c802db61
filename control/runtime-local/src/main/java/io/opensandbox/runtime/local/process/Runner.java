package io.opensandbox.runtime.local.process;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Runs a program of the host to its end. The only place that starts processes.
@FunctionalInterface
public interface Runner {
  /// Runs `command` and returns how it ended; blocks until its output ends and it has exited.
  ///
  /// @throws RunFailure when it cannot be started, takes too long, or the thread is interrupted
  Output run(Command command);

  /// Runs `argv` and returns its standard output.
  ///
  /// @throws RunFailure also when it exits with anything but 0
  default String text(String... argv) {
    return check(Command.of(argv)).stdout();
  }

  /// Feeds `input` to `argv` and returns its standard output.
  ///
  /// @throws RunFailure also when it exits with anything but 0
  default String feed(String input, String... argv) {
    return check(Command.of(argv).withInput(input)).stdout();
  }

  /// Like [#run], but an exit status other than 0 is a failure that carries the program's words.
  default Output check(Command command) {
    Output output = run(command);
    if (output.exitCode() != 0) {
      throw new RunFailure(
          command.argv().getFirst()
              + " ended with "
              + output.exitCode()
              + ": "
              + output.stderr().strip());
    }
    return output;
  }

  /// What to run. The environment is minimal: a `PATH` and the `C.UTF-8` locale.
  ///
  /// @param argv program, looked up on the `PATH`, and arguments; never a secret
  /// @param input bytes for standard input, absent for none
  /// @param file what standard input is, opened by this process when the program starts, in place
  ///   of `input`
  /// @param directory working directory, absent for `/`
  /// @param timeout after which the program is killed
  record Command(
      List<String> argv,
      Optional<InputStream> input,
      Optional<Path> file,
      Optional<Path> directory,
      Duration timeout) {
    /// Copies the arguments.
    public Command {
      argv = List.copyOf(argv);
    }

    /// A program without input that has half a minute.
    public static Command of(String... argv) {
      return of(List.of(argv));
    }

    /// A program without input that has half a minute.
    public static Command of(List<String> argv) {
      return new Command(
          argv, Optional.empty(), Optional.empty(), Optional.empty(), Duration.ofSeconds(30));
    }

    /// The same with text on standard input.
    public Command withInput(String text) {
      return withInput(new java.io.ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    }

    /// The same with a stream on standard input; the caller closes it.
    public Command withInput(InputStream stream) {
      return new Command(argv, Optional.of(stream), file, directory, timeout);
    }

    /// The same with a file as standard input.
    public Command withInput(Path opened) {
      return new Command(argv, input, Optional.of(opened), directory, timeout);
    }

    /// The same in a directory.
    public Command in(Path where) {
      return new Command(argv, input, file, Optional.of(where), timeout);
    }

    /// The same, behind whatever else wants a processor.
    public Command behind() {
      List<String> later = new ArrayList<>(List.of("nice", "-n", "19"));
      later.addAll(argv);
      return new Command(later, input, file, directory, timeout);
    }

    /// The same with another time limit.
    public Command within(Duration limit) {
      return new Command(argv, input, file, directory, limit);
    }
  }

  /// How a program ended.
  ///
  /// @param stdout standard output, at most 16 MiB
  /// @param stderr standard error, its first 64 KiB
  record Output(int exitCode, String stdout, String stderr) {}

  /// A program that could not be run or failed.
  final class RunFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// A failure without an underlying fault.
    public RunFailure(String message) {
      super(message);
    }

    /// A failure with the fault below it.
    public RunFailure(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
