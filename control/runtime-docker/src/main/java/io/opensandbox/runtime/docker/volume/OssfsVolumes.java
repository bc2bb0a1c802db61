package io.opensandbox.runtime.docker.volume;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// OSS buckets. Their requests are checked in full, so that the first fault is reported with its
/// own code; then they are refused, saying what is missing, because nothing here mounts them.
final class OssfsVolumes {
  private static final Pattern BUCKET = Pattern.compile("[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])?");
  private static final Pattern UNSAFE = Pattern.compile("[;&|`$()<>\\r\\n]");
  private static final List<Path> TOOL_FOLDERS =
      List.of(Path.of("/usr/local/bin"), Path.of("/usr/bin"), Path.of("/bin"));

  private final Path mountRoot;

  OssfsVolumes(Path mountRoot) {
    this.mountRoot = mountRoot;
  }

  /// Refuses a bad request with the code of its fault, and every request this host cannot serve.
  void check(VolumeMount.Ossfs mount) {
    checkFields(mount);
    checkInjection(mount);
    checkPlace(mount);
    throw unsupported(mount);
  }

  /// Why the bucket cannot be mounted here.
  SandboxException unsupported(VolumeMount.Ossfs mount) {
    String why = missingPart(mount.version()).orElse("this runtime does not mount buckets");
    return refuse(mount, ErrorCode.VOLUME_OSSFS_MOUNT_FAILED, "cannot mount an OSS bucket: " + why);
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

  private static Optional<String> missingPart(String version) {
    if (!Files.exists(Path.of("/dev/fuse"))) {
      return Optional.of("the host has no /dev/fuse");
    }
    String tool = version.equals("1.0") ? "ossfs" : "ossfs2";
    boolean installed =
        TOOL_FOLDERS.stream().anyMatch(folder -> Files.isExecutable(folder.resolve(tool)));
    return installed ? Optional.empty() : Optional.of("\"" + tool + "\" is not installed");
  }

  private static SandboxException refuse(VolumeMount.Ossfs mount, ErrorCode code, String why) {
    return new SandboxException(code, "volume \"" + mount.name() + "\": " + why);
  }
}
