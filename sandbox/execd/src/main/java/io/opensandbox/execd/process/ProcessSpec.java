package io.opensandbox.execd.process;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What to start and how.
///
/// @param argv the file to execute, absolute or with a `/`, and its arguments
/// @param environment the whole environment
/// @param cwd working directory; null is the launcher's
/// @param credentials identity; null keeps the launcher's
/// @param stdio what the standard descriptors are
/// @param descriptors further descriptors
public record ProcessSpec(
    List<String> argv,
    Map<String, String> environment,
    @Nullable String cwd,
    @Nullable Credentials credentials,
    Stdio stdio,
    Descriptors descriptors) {

  /// Checks that there is something to execute and copies the collections.
  public ProcessSpec {
    argv = List.copyOf(argv);
    if (argv.isEmpty() || argv.getFirst().indexOf('/') < 0) {
      throw new IllegalArgumentException("the first argument must be a path, not " + argv);
    }
    environment = Map.copyOf(environment);
  }

  /// What the child finds on descriptors 0, 1 and 2.
  public sealed interface Stdio {}

  /// A new session with a controlling terminal on all three.
  public record Terminal(int rows, int columns) implements Stdio {}

  /// Pipes; without `input`, stdin is `/dev/null`. The child leads its own process group.
  ///
  /// @param input stdin is a pipe that [RunningProcess#write] feeds
  /// @param merged stderr goes into stdout's pipe
  public record Pipes(boolean input, boolean merged) implements Stdio {}

  /// Descriptors beside the standard ones.
  ///
  /// @param state number of a descriptor whose data come as [OutputHandler#state]; 0 is none
  /// @param inputs descriptors from which the child reads given bytes
  public record Descriptors(int state, List<Input> inputs) {
    /// None.
    public static final Descriptors NONE = new Descriptors(0, List.of());

    /// Copies the list.
    public Descriptors {
      inputs = List.copyOf(inputs);
    }
  }

  /// Bytes that the child reads from a descriptor; they are in no argument and on no disk.
  ///
  /// @param descriptor its number in the child, 3 or more
  /// @param bytes at most 8 MiB together with everything else in the request; not copied
  @SuppressWarnings("ArrayRecordComponent") // never compared, and a copy of a script is a waste
  public record Input(int descriptor, byte[] bytes) {}
}
