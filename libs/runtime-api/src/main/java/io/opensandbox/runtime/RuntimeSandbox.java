package io.opensandbox.runtime;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// What the runtime sees of a sandbox at one moment.
///
/// @param id the server's id
/// @param state what its first process is doing
/// @param exitCode of the first process, once it ended
/// @param outOfMemory whether the kernel killed it for memory
/// @param error the engine's own words when it failed, else empty text
/// @param createdAt when it was made
/// @param finishedAt when it ended
/// @param imageReference as asked for at create
/// @param entrypoint the user's command
/// @param labels as in [SandboxSpec#labels], plus what the runtime added
/// @param container what the runtime's engine knows beyond that; empty for a runtime without one
public record RuntimeSandbox(
    String id,
    State state,
    OptionalInt exitCode,
    boolean outOfMemory,
    String error,
    Instant createdAt,
    Optional<Instant> finishedAt,
    String imageReference,
    List<String> entrypoint,
    Map<String, String> labels,
    Optional<Container> container) {
  /// Copies the collections.
  public RuntimeSandbox {
    entrypoint = List.copyOf(entrypoint);
    labels = Map.copyOf(labels);
  }

  /// The same without a container.
  public RuntimeSandbox(
      String id,
      State state,
      OptionalInt exitCode,
      boolean outOfMemory,
      String error,
      Instant createdAt,
      Optional<Instant> finishedAt,
      String imageReference,
      List<String> entrypoint,
      Map<String, String> labels) {
    this(
        id,
        state,
        exitCode,
        outOfMemory,
        error,
        createdAt,
        finishedAt,
        imageReference,
        entrypoint,
        labels,
        Optional.empty());
  }

  /// The container that a sandbox is in.
  ///
  /// @param id the engine's
  /// @param name the engine's
  /// @param startedAt when its first process was started last
  /// @param health the engine's word for it, such as `healthy`; empty text when nobody checks it
  /// @param checks what the last health checks printed, oldest first, one line each
  public record Container(
      String id, String name, Optional<Instant> startedAt, String health, List<String> checks) {
    /// Copies the list.
    public Container {
      checks = List.copyOf(checks);
    }
  }

  /// What a sandbox's first process is doing.
  public enum State {
    CREATED,
    RUNNING,
    PAUSED,
    RESTARTING,
    EXITED,
    UNKNOWN
  }
}
