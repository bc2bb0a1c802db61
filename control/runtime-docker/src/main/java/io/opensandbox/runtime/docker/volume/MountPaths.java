package io.opensandbox.runtime.docker.volume;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Rules for where in a sandbox a volume may be mounted and for paths below a volume.
final class MountPaths {
  private static final Path OURS = Path.of("/opt/opensandbox");

  private MountPaths() {}

  /// Refuses mounts that would not end up where they say or that hide execd.
  static void check(List<VolumeMount> mounts) {
    Set<Path> seen = new HashSet<>();
    for (VolumeMount mount : mounts) {
      Path target = target(mount);
      if (!seen.add(target)) {
        throw new SandboxException(
            ErrorCode.VOLUME_INVALID_MOUNT_PATH,
            "volume \"" + mount.name() + "\": another volume is mounted at \"" + target + "\"");
      }
      mount.subPath().ifPresent(subPath -> checkSubPath(mount.name(), subPath));
    }
  }

  private static Path target(VolumeMount mount) {
    String text = mount.mountPath();
    Path target;
    try {
      target = Path.of(text).normalize();
    } catch (InvalidPathException e) {
      throw invalid(mount, "is not a path");
    }
    if (!target.isAbsolute()) {
      throw invalid(mount, "must be absolute");
    }
    if (text.contains(":")) {
      throw invalid(mount, "must not contain \":\"");
    }
    if (OURS.startsWith(target) || target.startsWith(OURS)) {
      throw invalid(mount, "would cover \"" + OURS + "\", which belongs to the server");
    }
    return target;
  }

  private static SandboxException invalid(VolumeMount mount, String why) {
    return new SandboxException(
        ErrorCode.VOLUME_INVALID_MOUNT_PATH,
        "volume \"" + mount.name() + "\": mountPath \"" + mount.mountPath() + "\" " + why);
  }

  private static void checkSubPath(String name, String subPath) {
    boolean climbs = List.of(subPath.split("/", -1)).contains("..");
    if (subPath.startsWith("/") || climbs || subPath.contains(":") || subPath.indexOf('\0') >= 0) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_SUB_PATH,
          "volume \""
              + name
              + "\": subPath \""
              + subPath
              + "\" must be relative, without \"..\" and \":\"");
    }
  }
}
