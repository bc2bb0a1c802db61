package io.opensandbox.runtime.docker.volume;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Decides which paths of the host a sandbox may see.
///
/// A path must lie at or below an allowed prefix twice: as written, and after every symbolic link
/// in it has been followed. An empty list of prefixes refuses everything; the prefix `/` admits
/// only itself.
final class HostPaths {
  private final List<String> allowed;

  HostPaths(List<String> allowed) {
    this.allowed =
        allowed.stream().map(HostPaths::withoutTrailingSlash).filter(p -> !p.isEmpty()).toList();
  }

  /// The path to bind, with links followed; it need not exist yet.
  Path resolve(VolumeMount.Host mount) {
    String text = mount.path();
    checkText(mount, text);
    Path asWritten = path(mount, text);
    if (!isBelow(asWritten, allowed)) {
      throw notAllowed(mount, asWritten);
    }
    Path wanted = asWritten;
    if (mount.subPath().isPresent()) {
      wanted = path(mount, text + "/" + mount.subPath().get()).normalize();
    }
    Path real = followLinks(wanted);
    List<String> realAllowed =
        allowed.stream().map(prefix -> followLinks(Path.of(prefix)).toString()).toList();
    if (!isBelow(wanted, allowed) || !isBelow(real, realAllowed)) {
      throw notAllowed(mount, wanted);
    }
    return real;
  }

  /// Makes the directory unless something is there.
  void makeDirectory(VolumeMount.Host mount, Path path) {
    if (Files.exists(path)) {
      return;
    }
    try {
      Files.createDirectories(path);
    } catch (IOException e) {
      throw new SandboxException(
          ErrorCode.VOLUME_HOST_PATH_CREATE_FAILED,
          "volume \"" + mount.name() + "\": cannot create host path \"" + mount.path() + "\": " + e,
          e);
    }
  }

  private static void checkText(VolumeMount.Host mount, String text) {
    if (!text.startsWith("/")) {
      throw invalid(mount, "must be absolute");
    }
    if (text.contains("/..")) {
      throw invalid(mount, "must not contain \"/..\"");
    }
    if (text.contains("//")) {
      throw invalid(mount, "must not contain \"//\"");
    }
    if (text.length() > 1 && text.endsWith("/")) {
      throw invalid(mount, "must not end with \"/\"");
    }
    if (text.contains(":")) {
      throw invalid(mount, "must not contain \":\"");
    }
  }

  private static Path path(VolumeMount.Host mount, String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException _) {
      throw invalid(mount, "is not a path");
    }
  }

  private static boolean isBelow(Path path, List<String> prefixes) {
    String text = path.toString();
    return prefixes.stream()
        .anyMatch(prefix ->
            text.equals(prefix) || (!prefix.equals("/") && text.startsWith(prefix + "/")));
  }

  /// The path with the links in its existing part followed.
  static Path followLinks(Path path) {
    Path existing = path;
    while (existing != null) {
      Optional<Path> real = realPath(existing);
      if (real.isPresent()) {
        return real.get().resolve(existing.relativize(path)).normalize();
      }
      existing = existing.getParent();
    }
    return path;
  }

  private static Optional<Path> realPath(Path path) {
    try {
      return Optional.of(path.toRealPath());
    } catch (IOException _) {
      return Optional.empty(); // not there or not readable: its parent decides
    }
  }

  private static String withoutTrailingSlash(String prefix) {
    String text = prefix.strip();
    while (text.length() > 1 && text.endsWith("/")) {
      text = text.substring(0, text.length() - 1);
    }
    return text;
  }

  private static SandboxException invalid(VolumeMount.Host mount, String why) {
    return new SandboxException(
        ErrorCode.VOLUME_INVALID_HOST_PATH,
        "volume \"" + mount.name() + "\": host path \"" + mount.path() + "\" " + why);
  }

  private static SandboxException notAllowed(VolumeMount.Host mount, Path path) {
    return new SandboxException(
        ErrorCode.VOLUME_HOST_PATH_NOT_ALLOWED,
        "volume \""
            + mount.name()
            + "\": host path \""
            + path
            + "\" is not below any of storage.allowed_host_paths");
  }
}
