package io.opensandbox.runtime.local;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/// Settings of the local runtime, section `[local]` of the server's configuration.
///
/// @param dataDirectory where images, sandboxes and volumes live; one server per directory
/// @param execdDirectory holds `execd` and `bootstrap.sh` as packaged for sandboxes
/// @param publicHost host part of public endpoints
/// @param bindAddress local address on which host ports listen, for example `127.0.0.1`
/// @param allowedHostPaths prefixes below which host directories may be mounted; empty forbids all
/// @param capabilities Linux capabilities that a sandbox's root keeps, without `CAP_`
/// @param pidsLimit processes and threads per sandbox when the request gives none
/// @param limits sizes and counts
/// @param imageSources which images may be used and how
public record LocalConfig(
    Path dataDirectory,
    Path execdDirectory,
    String publicHost,
    String bindAddress,
    List<Path> allowedHostPaths,
    List<String> capabilities,
    long pidsLimit,
    Limits limits,
    ImageSources imageSources) {
  /// What Docker gives a container, less what the contract drops.
  public static final List<String> DEFAULT_CAPABILITIES =
      List.of(
          "CHOWN",
          "DAC_OVERRIDE",
          "FOWNER",
          "FSETID",
          "KILL",
          "NET_BIND_SERVICE",
          "SETFCAP",
          "SETGID",
          "SETPCAP",
          "SETUID",
          "SYS_CHROOT");

  /// Copies the lists.
  public LocalConfig {
    allowedHostPaths = List.copyOf(allowedHostPaths);
    capabilities = List.copyOf(capabilities);
  }

  /// The defaults for a data directory and packaged execd.
  public static LocalConfig of(Path dataDirectory, Path execdDirectory) {
    return new LocalConfig(
        dataDirectory,
        execdDirectory,
        "127.0.0.1",
        "127.0.0.1",
        List.of(),
        DEFAULT_CAPABILITIES,
        4096,
        Limits.DEFAULT,
        ImageSources.DEFAULT);
  }

  /// execd, which is also the program that makes networks and starts sandboxes on the host.
  Path launcher() {
    return execdDirectory.resolve("execd").toAbsolutePath();
  }

  /// Sizes and counts.
  ///
  /// @param logBytes output kept per sandbox
  /// @param imageBytes disk that images may take before unused ones are removed, and what one image
  ///   may unpack to
  /// @param totalMemoryBytes memory of all sandboxes together; empty for nine tenths of the host's
  /// @param preparedNetworks network namespaces kept ready
  /// @param diskBytes size of the file system for everything, when it is made; empty for nine
  ///   tenths of what is free, 0 for none, and then no quotas either
  /// @param sandboxDiskBytes what a sandbox may write when the request gives nothing, and what each
  ///   named volume may hold
  /// @param required whether a request with limits that this host cannot enforce is refused
  public record Limits(
      long logBytes,
      long imageBytes,
      OptionalLong totalMemoryBytes,
      int preparedNetworks,
      OptionalLong diskBytes,
      long sandboxDiskBytes,
      boolean required) {
    /// 16 MiB of log, 20 GiB of images, eight networks, 10 GiB written by each sandbox.
    public static final Limits DEFAULT =
        new Limits(
            16L << 20, 20L << 30, OptionalLong.empty(), 8, OptionalLong.empty(), 10L << 30, true);
  }

  /// Where images come from.
  ///
  /// @param directories below which `oci:` and `docker-archive:` references may point
  /// @param insecureRegistries `host[:port]` of registries spoken to without TLS; loopback always
  ///   is
  /// @param layouts OCI image layouts whose images are known by their names
  public record ImageSources(
      List<Path> directories, List<String> insecureRegistries, List<Path> layouts) {
    /// Registries over TLS only.
    public static final ImageSources DEFAULT = new ImageSources(List.of(), List.of(), List.of());

    /// Copies the lists.
    public ImageSources {
      directories = List.copyOf(directories);
      insecureRegistries = List.copyOf(insecureRegistries);
      layouts = List.copyOf(layouts);
    }
  }
}
