package io.opensandbox.runtime.local.record;

import io.avaje.jsonb.Json;
import io.opensandbox.runtime.ResourceLimits;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// One sandbox as decided when it was made; everything that a restarted server needs to go on.
///
/// @param id the server's id
/// @param imageReference as asked for
/// @param imageId content id of the image
/// @param entrypoint the user's command
/// @param env the request's environment, in order
/// @param labels markers and user metadata
/// @param createdAt when it was made
/// @param trees file trees, the root first
/// @param mounts volumes, outer ones first
/// @param ownedVolumes named volumes that this sandbox's create made and that go with it
/// @param process what is run and as whom
/// @param network where it is reached
/// @param nanoCpus limit, absent for none
/// @param memoryBytes limit, absent for none
/// @param pids limit, absent for none
/// @param diskBytes limit of what is written, absent for none
/// @param started whether it was ever started
@Json
public record SandboxRecord(
    String id,
    String imageReference,
    String imageId,
    List<String> entrypoint,
    Map<String, String> env,
    Map<String, String> labels,
    Instant createdAt,
    List<Tree> trees,
    List<Mount> mounts,
    List<String> ownedVolumes,
    ProcessPlan process,
    NetworkPlan network,
    @Nullable Long nanoCpus,
    @Nullable Long memoryBytes,
    @Nullable Long pids,
    @Nullable Long diskBytes,
    boolean started) {
  /// Copies the collections; the environment keeps its order.
  public SandboxRecord {
    entrypoint = List.copyOf(entrypoint);
    env = Collections.unmodifiableMap(new LinkedHashMap<>(env));
    labels = Map.copyOf(labels);
    trees = List.copyOf(trees);
    mounts = List.copyOf(mounts);
    ownedVolumes = List.copyOf(ownedVolumes);
  }

  /// The same, started.
  public SandboxRecord asStarted() {
    return with(nanoCpus, memoryBytes, pids, true);
  }

  /// The limits; none for what is absent.
  public ResourceLimits limits() {
    return new ResourceLimits(
        optional(nanoCpus),
        optional(memoryBytes),
        optional(pids),
        OptionalInt.empty(),
        optional(diskBytes));
  }

  private static OptionalLong optional(@Nullable Long value) {
    return value == null ? OptionalLong.empty() : OptionalLong.of(value);
  }

  /// The same with the limits that are given; the others stay.
  public SandboxRecord withLimits(ResourceLimits changed) {
    return with(
        orElse(changed.nanoCpus(), nanoCpus),
        orElse(changed.memoryBytes(), memoryBytes),
        orElse(changed.pids(), pids),
        started);
  }

  private static @Nullable Long orElse(OptionalLong value, @Nullable Long otherwise) {
    return value.isPresent() ? Long.valueOf(value.getAsLong()) : otherwise;
  }

  private SandboxRecord with(
      @Nullable Long newNanoCpus,
      @Nullable Long newMemoryBytes,
      @Nullable Long newPids,
      boolean nowStarted) {
    return new SandboxRecord(
        id,
        imageReference,
        imageId,
        entrypoint,
        env,
        labels,
        createdAt,
        trees,
        mounts,
        ownedVolumes,
        process,
        network,
        newNanoCpus,
        newMemoryBytes,
        newPids,
        diskBytes,
        nowStarted);
  }

  /// A directory tree of a sandbox: an overlay of read-only directories under one private one.
  ///
  /// @param mountPath `/` or a path below it
  /// @param lowers directories, the topmost first: a layer's name, or an absolute path of the host
  @Json
  public record Tree(String mountPath, List<String> lowers) {
    /// Copies the list.
    public Tree {
      lowers = List.copyOf(lowers);
    }
  }

  /// A volume in the sandbox.
  ///
  /// @param source real path on the host
  /// @param target path in the sandbox without any symbolic link
  @Json
  public record Mount(String source, String target, boolean readOnly) {}

  /// What runs.
  ///
  /// @param argv program and arguments, the user's command included
  /// @param env its whole environment
  /// @param workingDirectory absolute path
  /// @param user the image's `USER`
  @Json
  public record ProcessPlan(
      List<String> argv, Map<String, String> env, String workingDirectory, String user) {
    /// Copies the collections.
    public ProcessPlan {
      argv = List.copyOf(argv);
      env = Collections.unmodifiableMap(new LinkedHashMap<>(env));
    }
  }

  /// Where it is reached.
  ///
  /// @param slot number of its network
  /// @param execdPort host port of 44772
  /// @param httpPort host port of 8080
  @Json
  public record NetworkPlan(int slot, int execdPort, int httpPort) {}
}
