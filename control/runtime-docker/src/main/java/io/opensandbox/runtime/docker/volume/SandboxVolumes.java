package io.opensandbox.runtime.docker.volume;

import io.opensandbox.runtime.VolumeMount;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Turns the volumes of a request into binds.
public final class SandboxVolumes {
  private final NamedVolumes named;
  private final HostPaths hostPaths;
  private final OssfsVolumes ossfs;

  /// @param allowedHostPaths `storage.allowed_host_paths`; empty refuses every host path
  /// @param ossfsMountRoot `storage.ossfs_mount_root`
  public SandboxVolumes(NamedVolumes named, List<String> allowedHostPaths, Path ossfsMountRoot) {
    this.named = named;
    this.hostPaths = new HostPaths(allowedHostPaths);
    this.ossfs = new OssfsVolumes(ossfsMountRoot);
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
    try {
      for (VolumeMount mount : mounts) {
        String source = source(mount, sandboxId, owned, made);
        binds.add(source + ":" + mount.mountPath() + (mount.readOnly() ? ":ro" : ":rw"));
      }
    } catch (RuntimeException e) {
      made.forEach(named::remove);
      throw e;
    }
    return new BoundVolumes(binds, owned, made);
  }

  private String source(
      VolumeMount mount, String sandboxId, List<String> owned, List<String> made) {
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
      // check() has refused it: no host that lacks the tool gets here.
      case VolumeMount.Ossfs bucket -> throw ossfs.unsupported(bucket);
    };
  }

  /// Undoes [#bind] for a sandbox that was not made after all.
  public void undo(BoundVolumes bound) {
    bound.made().forEach(named::remove);
  }
}
