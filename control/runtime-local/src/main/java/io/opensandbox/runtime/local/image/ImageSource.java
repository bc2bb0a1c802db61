package io.opensandbox.runtime.local.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where an image comes from, as skopeo names it; parsed once and safe to pass on.
///
/// @param name transport and name: `docker://host/name:tag`, `oci:/path:tag`,
///   `docker-archive:/path`
/// @param registry `host[:port]`, absent for files
record ImageSource(String name, Optional<String> registry) {
  private static final Pattern REFERENCE =
      Pattern.compile(
          "(?:([a-zA-Z0-9][a-zA-Z0-9.-]*(?::\\d+)?)/)?([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
              + "(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?");
  private static final Pattern FILE =
      Pattern.compile("(oci|docker-archive):(/[^:]+)(:[A-Za-z0-9_./:@-]+)?");

  /// Parses what a client wrote.
  ///
  /// @param directories below which files may lie
  /// @throws IllegalArgumentException that says what is wrong
  static ImageSource parse(String reference, List<Path> directories) {
    Matcher file = FILE.matcher(reference);
    if (file.matches()) {
      String suffix = file.group(3) == null ? "" : file.group(3);
      Path path = allowed(Path.of(file.group(2)), directories);
      return new ImageSource(file.group(1) + ":" + path + suffix, Optional.empty());
    }
    Matcher matcher = REFERENCE.matcher(reference);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("invalid reference format");
    }
    String host = matcher.group(1);
    boolean isHost =
        host != null && (host.contains(".") || host.contains(":") || host.equals("localhost"));
    String complete = Images.canonical(reference);
    if (isHost) {
      return new ImageSource("docker://" + complete, Optional.of(host));
    }
    String library = complete.contains("/") ? "" : "library/";
    return new ImageSource("docker://docker.io/" + library + complete, Optional.of("docker.io"));
  }

  private static Path allowed(Path path, List<Path> directories) {
    try {
      Path real = path.toRealPath();
      for (Path directory : directories) {
        if (real.startsWith(directory.toRealPath())) {
          return real;
        }
      }
    } catch (IOException e) {
      throw new IllegalArgumentException("no such file: " + path, e);
    }
    throw new IllegalArgumentException(
        "\"" + path + "\" is not below a directory of local.image_dirs");
  }

  /// Whether the registry is on this machine's loopback, which needs no TLS.
  boolean isLoopback() {
    String host = registry.orElse("").replaceFirst(":\\d+$", "");
    return host.equals("localhost") || host.matches("127\\.\\d+\\.\\d+\\.\\d+");
  }
}
