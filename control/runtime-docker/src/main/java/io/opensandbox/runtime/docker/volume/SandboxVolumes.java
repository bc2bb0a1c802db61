package io.opensandbox.runtime.docker.volume;

import io.opensandbox.runtime.VolumeMount;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/// Turns the volumes of a request into binds.
public final class SandboxVolumes {
  private final NamedVolumes named;
  private final HostPaths hostPaths;
  private final OssfsVolumes ossfs;
  private final OssfsMounts mounts;

  /// @param allowedHostPaths `storage.allowed_host_paths`; empty refuses every host path
  /// @param buckets where buckets are mounted, and where the programs for that are
  /// @param bucketsInUse the folders of buckets that containers have
  public SandboxVolumes(
      NamedVolumes named,
      List<String> allowedHostPaths,
      Buckets buckets,
      Supplier<Set<String>> bucketsInUse) {
    this.named = named;
    this.hostPaths = new HostPaths(allowedHostPaths);
    MountHost host = new LinuxMountHost(buckets.programs());
    this.ossfs = new OssfsVolumes(buckets.root(), host);
    this.mounts = new OssfsMounts(buckets.root(), host, buckets.credentials(), bucketsInUse);
  }

  /// Where OSS buckets are mounted, and with what.
  ///
  /// @param root `storage.ossfs_mount_root`
  /// @param programs the folders of `ossfs`, `ossfs2`, `fusermount` and `umount`, with colons
  ///   between them
  /// @param credentials folder of the files that hand them over
  public record Buckets(Path root, String programs, Path credentials) {
    /// Where the programs are when nobody says.
    public static final String USUAL_PROGRAMS = "/usr/local/bin:/usr/bin:/bin";
  }

  /// Whether OSS buckets can be mounted here.
  public boolean mountsBuckets() {
    return ossfs.isPossible();
  }

  /// Refuses what [#bind] would refuse, making nothing.
  public void check(List<VolumeMount> mounts) {
    MountPaths.check(mounts);
    for (VolumeMount mount : mounts) {
      switch (mount) {
        case VolumeMount.Host host -> hostPaths.resolve(host);
        case VolumeMount.Named volume -> named.check(volume);
        case VolumeMount.Ossfs bucket -> ossfs.check(bucket);
      }
    }
  }

  /// Makes what is missing and gives the binds. When one volume fails, what was made for the others
  /// is removed again.
  public BoundVolumes bind(String sandboxId, List<VolumeMount> mounts) {
    check(mounts);
    List<String> binds = new ArrayList<>();
    List<String> owned = new ArrayList<>();
    List<String> made = new ArrayList<>();
    List<Path> folders = new ArrayList<>();
    try {
      for (VolumeMount mount : mounts) {
        String source = source(mount, sandboxId, owned, made, folders);
        binds.add(source + ":" + mount.mountPath() + (mount.readOnly() ? ":ro" : ":rw"));
      }
    } catch (RuntimeException e) {
      undo(sandboxId, new BoundVolumes(binds, owned, made, folders));
      throw e;
    }
    return new BoundVolumes(binds, owned, made, folders);
  }

  private String source(
      VolumeMount mount,
      String sandboxId,
      List<String> owned,
      List<String> made,
      List<Path> folders) {
    return switch (mount) {
      case VolumeMount.Host host -> {
        Path path = hostPaths.resolve(host);
        hostPaths.makeDirectory(host, path);
        yield path.toString();
      }
      case VolumeMount.Named volume ->
          named.source(
              volume,
              sandboxId,
              (name, deleteWithSandbox) -> {
                made.add(name);
                if (deleteWithSandbox) {
                  owned.add(name);
                }
              });
      case VolumeMount.Ossfs bucket -> {
        Path folder = mounts.hold(bucket, sandboxId);
        folders.add(folder);
        yield folder.toString();
      }
    };
  }

  /// Says that the sandbox has its container: from now on its labels tell what it uses.
  public void handOver(String sandboxId) {
    mounts.release(sandboxId);
  }

  /// Undoes [#bind] for a sandbox that was not made after all.
  public void undo(String sandboxId, BoundVolumes bound) {
    bound.made().forEach(named::remove);
    if (!bound.buckets().isEmpty()) {
      mounts.release(sandboxId);
      mounts.removeUnused();
    }
  }

  /// Unmounts buckets that no container has; gives how many.
  public int unmountUnused() {
    return mounts.removeUnused();
  }
}
