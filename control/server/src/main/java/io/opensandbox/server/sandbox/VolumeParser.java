package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import io.opensandbox.server.http.Fields;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// Reads and checks `volumes[]`.
final class VolumeParser {
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
  private static final Pattern ABSOLUTE = Pattern.compile("(?s)(/|[A-Za-z]:[\\\\/]).*");
  private static final Pattern STORAGE = Pattern.compile("\\d+(\\.\\d+)?(Ki|Mi|Gi|Ti|Pi|Ei)?");
  private static final Pattern OSS_BUCKET = Pattern.compile("[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])?");
  private static final Pattern SHELL_UNSAFE = Pattern.compile("[;&|`$()<>\\r\\n]");
  private static final int MAX_NAME = 63;
  private static final int MAX_CLAIM = 253;

  private final List<String> allowedHostPaths;

  VolumeParser(List<String> allowedHostPaths) {
    this.allowedHostPaths = List.copyOf(allowedHostPaths);
  }

  /// The volumes of a request, shapes checked first, then meaning, both in order.
  List<VolumeMount> parse(List<Fields> volumes) {
    List<VolumeMount> mounts = new ArrayList<>();
    for (Fields volume : volumes) {
      mounts.add(shape(volume));
    }
    return List.copyOf(mounts);
  }

  /// Checks what the volumes mean together with the configuration.
  void check(List<VolumeMount> mounts) {
    Set<String> names = new HashSet<>();
    for (VolumeMount mount : mounts) {
      if (!names.add(mount.name())) {
        throw new SandboxException(
            ErrorCode.VOLUME_DUPLICATE_NAME,
            "volume name \"" + mount.name() + "\" is used more than once");
      }
      checkSubPath(mount);
      switch (mount) {
        case VolumeMount.Host host -> checkHostPath(host);
        case VolumeMount.Named _ -> {
          // Whether it exists is the runtime's to say.
        }
        case VolumeMount.Ossfs ossfs -> checkOssfs(ossfs);
      }
    }
  }

  private static VolumeMount shape(Fields volume) {
    String name = volume.requiredText("name", ErrorCode.VOLUME_INVALID_NAME);
    if (name.length() > MAX_NAME || !NAME.matcher(name).matches()) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_NAME,
          "\""
              + volume.path("name")
              + "\" must be 1 to 63 lower-case letters, digits or \"-\", with a letter or digit at"
              + " both ends");
    }
    String mountPath = mountPath(volume);
    boolean readOnly = volume.bool("readOnly", false);
    Optional<String> subPath =
        volume.text("subPath", ErrorCode.VOLUME_INVALID_SUB_PATH).filter(text -> !text.isEmpty());
    Optional<Fields> host = volume.object("host");
    Optional<Fields> pvc = volume.object("pvc");
    Optional<Fields> ossfs = volume.object("ossfs");
    Optional<VolumeMount> hostMount =
        host.map(fields -> host(fields, name, mountPath, readOnly, subPath));
    Optional<VolumeMount> named =
        pvc.map(fields -> named(fields, name, mountPath, readOnly, subPath));
    Optional<VolumeMount> bucket =
        ossfs.map(fields -> ossfs(fields, name, mountPath, readOnly, subPath));
    List<VolumeMount> backends = new ArrayList<>();
    hostMount.ifPresent(backends::add);
    named.ifPresent(backends::add);
    bucket.ifPresent(backends::add);
    if (backends.size() != 1) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_BACKEND,
          "volume \"" + name + "\" needs exactly one of \"host\", \"pvc\" and \"ossfs\"");
    }
    return backends.getFirst();
  }

  private static String mountPath(Fields volume) {
    String mountPath = volume.requiredText("mountPath", ErrorCode.VOLUME_INVALID_MOUNT_PATH);
    String path = volume.path("mountPath");
    if (!mountPath.startsWith("/")) {
      throw invalidMountPath(path, "must start with \"/\"");
    }
    if (mountPath.indexOf(':') >= 0 || mountPath.indexOf('\0') >= 0) {
      throw invalidMountPath(path, "must not contain \":\" or NUL");
    }
    String normal = java.nio.file.Path.of(mountPath).normalize().toString();
    if (normal.equals("/")
        || normal.equals("/opt")
        || normal.equals("/opt/opensandbox")
        || normal.startsWith("/opt/opensandbox/")) {
      throw invalidMountPath(path, "must not cover /opt/opensandbox, which the sandbox needs");
    }
    return mountPath;
  }

  private static SandboxException invalidMountPath(String path, String complaint) {
    return new SandboxException(
        ErrorCode.VOLUME_INVALID_MOUNT_PATH, "\"" + path + "\" " + complaint);
  }

  private static VolumeMount host(
      Fields fields, String name, String mountPath, boolean readOnly, Optional<String> subPath) {
    String path = fields.requiredText("path", ErrorCode.VOLUME_INVALID_HOST_PATH);
    if (!ABSOLUTE.matcher(path).matches()) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_HOST_PATH,
          "\"" + fields.path("path") + "\" must be an absolute path");
    }
    return new VolumeMount.Host(name, mountPath, readOnly, subPath, path);
  }

  private static VolumeMount named(
      Fields fields, String name, String mountPath, boolean readOnly, Optional<String> subPath) {
    String claim = fields.requiredText("claimName", ErrorCode.VOLUME_INVALID_PVC_NAME);
    if (claim.length() > MAX_CLAIM || !NAME.matcher(claim).matches()) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_PVC_NAME,
          "\""
              + fields.path("claimName")
              + "\" must be 1 to 253 lower-case letters, digits or \"-\", with a letter or digit"
              + " at both ends");
    }
    fields.text("storageClass");
    fields.texts("accessModes", ErrorCode.INVALID_PARAMETER);
    Optional<String> storage = fields.text("storage");
    if (storage.isPresent() && !STORAGE.matcher(storage.get()).matches()) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER,
          "\"" + fields.path("storage") + "\" must be a quantity such as 1Gi");
    }
    return new VolumeMount.Named(
        name,
        mountPath,
        readOnly,
        subPath,
        claim,
        fields.bool("createIfNotExists", true),
        fields.bool("deleteOnSandboxTermination", false));
  }

  private static VolumeMount ossfs(
      Fields fields, String name, String mountPath, boolean readOnly, Optional<String> subPath) {
    String bucket = fields.requiredText("bucket", ErrorCode.VOLUME_INVALID_OSSFS_BUCKET);
    if (bucket.length() < 3 || bucket.length() > MAX_NAME || bucket.isBlank()) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_OSSFS_BUCKET,
          "\"" + fields.path("bucket") + "\" must have 3 to 63 characters");
    }
    String endpoint = fields.requiredText("endpoint", ErrorCode.VOLUME_INVALID_OSSFS_ENDPOINT);
    if (endpoint.isBlank()) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_OSSFS_ENDPOINT,
          "\"" + fields.path("endpoint") + "\" must not be blank");
    }
    String version = fields.text("version", ErrorCode.VOLUME_INVALID_OSSFS_VERSION).orElse("2.0");
    if (!version.equals("1.0") && !version.equals("2.0")) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_OSSFS_VERSION,
          "\"" + fields.path("version") + "\" must be 1.0 or 2.0");
    }
    List<String> options =
        fields.texts("options", ErrorCode.VOLUME_INVALID_OSSFS_OPTION).orElse(List.of());
    return new VolumeMount.Ossfs(
        name,
        mountPath,
        readOnly,
        subPath,
        bucket,
        endpoint,
        version,
        options,
        credential(fields, "accessKeyId"),
        credential(fields, "accessKeySecret"));
  }

  private static String credential(Fields fields, String name) {
    String value = fields.requiredText(name, ErrorCode.VOLUME_INVALID_OSSFS_CREDENTIALS);
    if (value.isEmpty()) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_OSSFS_CREDENTIALS,
          "\"" + fields.path(name) + "\" must not be empty");
    }
    return value;
  }

  private static void checkSubPath(VolumeMount mount) {
    String subPath = mount.subPath().orElse("");
    boolean leaves = subPath.startsWith("/") || subPath.indexOf('\0') >= 0;
    for (String segment : subPath.split("/", -1)) {
      leaves |= segment.equals("..");
    }
    if (leaves) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_SUB_PATH,
          "subPath of volume \""
              + mount.name()
              + "\" must be relative and must not contain a \"..\" segment");
    }
  }

  private void checkHostPath(VolumeMount.Host host) {
    String unified = host.path().replace('\\', '/');
    String path = unified.matches("(?s)[A-Za-z]:/.*") ? unified.substring(2) : unified;
    boolean unclean =
        path.contains("/..") || path.contains("//") || (path.length() > 1 && path.endsWith("/"));
    boolean unmountable = path.indexOf(':') >= 0 || path.indexOf('\0') >= 0;
    if (unclean || unmountable) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_HOST_PATH,
          "host path of volume \""
              + host.name()
              + "\" must be normal: no \"..\", no \"//\", no \":\", no \"/\" at its end");
    }
    if (allowedHostPaths.stream().noneMatch(prefix -> isAtOrBelow(unified, prefix))) {
      throw new SandboxException(
          ErrorCode.VOLUME_HOST_PATH_NOT_ALLOWED,
          "host path of volume \""
              + host.name()
              + "\" is not below an entry of storage.allowed_host_paths");
    }
  }

  private static boolean isAtOrBelow(String path, String allowed) {
    String prefix = lowerDrive(allowed.replace('\\', '/'));
    if (prefix.length() > 1 && prefix.endsWith("/")) {
      prefix = prefix.substring(0, prefix.length() - 1);
    }
    String candidate = lowerDrive(path);
    return candidate.equals(prefix) || (!prefix.equals("/") && candidate.startsWith(prefix + "/"));
  }

  private static String lowerDrive(String path) {
    return path.matches("(?s)[A-Za-z]:/.*")
        ? path.substring(0, 1).toLowerCase(Locale.ROOT) + path.substring(1)
        : path;
  }

  private static void checkOssfs(VolumeMount.Ossfs ossfs) {
    for (String option : ossfs.options()) {
      if (option.isBlank() || option.startsWith("-")) {
        throw new SandboxException(
            ErrorCode.VOLUME_INVALID_OSSFS_OPTION,
            "options of volume \"" + ossfs.name() + "\" must not be blank or start with \"-\"");
      }
    }
    boolean unsafe =
        ossfs.options().stream().anyMatch(option -> SHELL_UNSAFE.matcher(option).find())
            || SHELL_UNSAFE.matcher(ossfs.endpoint()).find()
            || ossfs.endpoint().indexOf(' ') >= 0
            || SHELL_UNSAFE.matcher(ossfs.mountPath()).find()
            || SHELL_UNSAFE.matcher(ossfs.subPath().orElse("")).find();
    if (unsafe) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER,
          "volume \"" + ossfs.name() + "\" has a character that a shell would interpret");
    }
    if (!OSS_BUCKET.matcher(ossfs.bucket()).matches()) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER,
          "bucket of volume \""
              + ossfs.name()
              + "\" must be lower-case letters, digits and \"-\", with a letter or digit at both"
              + " ends");
    }
  }
}
