package io.opensandbox.runtime.docker.volume;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/// What a request for an OSS bucket must be like. It is checked in full before anything is said
/// about what this machine lacks, so that the first fault is reported with its own code.
final class OssfsVolumes {
  private static final Pattern BUCKET = Pattern.compile("[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])?");
  private static final Pattern UNSAFE = Pattern.compile("[;&|`$()<>\\r\\n]");
  private static final Pattern LINE_END = Pattern.compile("[\\r\\n]");

  private final Path mountRoot;
  private final MountHost host;

  OssfsVolumes(Path mountRoot, MountHost host) {
    this.mountRoot = mountRoot;
    this.host = host;
  }

  /// Refuses a bad request with the code of its fault, and one that this host cannot serve.
  void check(VolumeMount.Ossfs mount) {
    checkFields(mount);
    checkInjection(mount);
    checkPlace(mount);
    Optional<String> missing = missingPart(mount.version());
    if (missing.isPresent()) {
      throw refuse(
          mount,
          ErrorCode.VOLUME_OSSFS_MOUNT_FAILED,
          "cannot mount an OSS bucket: " + missing.get());
    }
  }

  /// Whether buckets can be mounted here.
  boolean isPossible() {
    return missingPart("1.0").isEmpty() || missingPart("2.0").isEmpty();
  }

  private static void checkFields(VolumeMount.Ossfs mount) {
    if (mount.bucket().isBlank()) {
      throw refuse(mount, ErrorCode.VOLUME_INVALID_OSSFS_BUCKET, "ossfs.bucket is blank");
    }
    if (mount.endpoint().isBlank()) {
      throw refuse(mount, ErrorCode.VOLUME_INVALID_OSSFS_ENDPOINT, "ossfs.endpoint is blank");
    }
    for (String option : mount.options()) {
      if (option.isBlank() || option.startsWith("-")) {
        throw refuse(
            mount,
            ErrorCode.VOLUME_INVALID_OSSFS_OPTION,
            "ossfs.options must not be blank or start with \"-\"");
      }
    }
    if (mount.accessKeyId().isBlank() || mount.accessKeySecret().isBlank()) {
      throw refuse(
          mount,
          ErrorCode.VOLUME_INVALID_OSSFS_CREDENTIALS,
          "ossfs.accessKeyId and ossfs.accessKeySecret are needed");
    }
    if (LINE_END.matcher(mount.accessKeyId() + mount.accessKeySecret()).find()) {
      throw refuse(
          mount,
          ErrorCode.VOLUME_INVALID_OSSFS_CREDENTIALS,
          "ossfs.accessKeyId and ossfs.accessKeySecret must be one line each");
    }
    if (!mount.version().equals("1.0") && !mount.version().equals("2.0")) {
      throw refuse(
          mount,
          ErrorCode.VOLUME_INVALID_OSSFS_VERSION,
          "ossfs.version must be \"1.0\" or \"2.0\"");
    }
  }

  private static void checkInjection(VolumeMount.Ossfs mount) {
    if (!BUCKET.matcher(mount.bucket()).matches()) {
      throw refuse(mount, ErrorCode.INVALID_PARAMETER, "ossfs.bucket is not a bucket name");
    }
    if (UNSAFE.matcher(mount.endpoint()).find() || mount.endpoint().contains(" ")) {
      throw refuse(mount, ErrorCode.INVALID_PARAMETER, "ossfs.endpoint has a forbidden character");
    }
    for (String option : mount.options()) {
      if (UNSAFE.matcher(option).find()) {
        throw refuse(mount, ErrorCode.INVALID_PARAMETER, "ossfs.options has a forbidden character");
      }
    }
    if (mount.subPath().map(path -> UNSAFE.matcher(path).find()).orElse(false)) {
      throw refuse(mount, ErrorCode.INVALID_PARAMETER, "subPath has a forbidden character");
    }
  }

  private void checkPlace(VolumeMount.Ossfs mount) {
    if (!mountRoot.isAbsolute()) {
      throw refuse(
          mount,
          ErrorCode.VOLUME_INVALID_OSSFS_MOUNT_ROOT,
          "storage.ossfs_mount_root \"" + mountRoot + "\" must be absolute");
    }
    Path bucket = mountRoot.resolve(mount.bucket());
    if (!bucket.resolve(mount.subPath().orElse("")).normalize().startsWith(bucket)) {
      throw refuse(mount, ErrorCode.VOLUME_INVALID_SUB_PATH, "subPath leaves the bucket");
    }
  }

  private Optional<String> missingPart(String version) {
    if (!host.hasFuse()) {
      return Optional.of("the host has no /dev/fuse");
    }
    String tool = version.equals("1.0") ? "ossfs" : "ossfs2";
    return host.find(tool).isPresent()
        ? Optional.empty()
        : Optional.of("\"" + tool + "\" is not installed");
  }

  private static SandboxException refuse(VolumeMount.Ossfs mount, ErrorCode code, String why) {
    return new SandboxException(code, "volume \"" + mount.name() + "\": " + why);
  }
}
