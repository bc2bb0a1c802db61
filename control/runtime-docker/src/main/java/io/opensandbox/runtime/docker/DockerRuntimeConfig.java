package io.opensandbox.runtime.docker;

import io.opensandbox.runtime.docker.engine.EngineAddress;
import io.opensandbox.runtime.docker.volume.SandboxVolumes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/// Settings of the Docker runtime (docker-runtime contract, section 1).
///
/// @param engine where the engine listens (`DOCKER_HOST`)
/// @param execdImage `runtime.execd_image`
/// @param networkMode `docker.network_mode`: `host`, `bridge`, `none`, `container:<x>` or the name
///   of a network, whose case is kept
/// @param apiTimeout `docker.api_timeout`: how long the engine may say nothing within one call
/// @param hosts under which names the published ports are reached
/// @param security what sandboxes may not do
/// @param allowedHostPaths `storage.allowed_host_paths`
/// @param buckets where OSS buckets are mounted (`storage.ossfs_mount_root`)
public record DockerRuntimeConfig(
    EngineAddress engine,
    String execdImage,
    String networkMode,
    Duration apiTimeout,
    PortHosts hosts,
    Security security,
    List<String> allowedHostPaths,
    SandboxVolumes.Buckets buckets) {
  /// Copies the list; keywords of the network mode lose their case.
  public DockerRuntimeConfig {
    networkMode = keyword(networkMode);
    allowedHostPaths = List.copyOf(allowedHostPaths);
  }

  private static String keyword(String mode) {
    String lower = mode.strip().toLowerCase(Locale.ROOT);
    boolean known = List.of("host", "bridge", "none").contains(lower);
    return known ? lower : mode.strip();
  }

  /// What an execd image needs and everything else at its default.
  public static DockerRuntimeConfig of(String execdImage) {
    return new DockerRuntimeConfig(
        EngineAddress.DEFAULT,
        execdImage,
        "host",
        Duration.ofMinutes(3),
        PortHosts.resolve("", "", "", false),
        Security.DEFAULT,
        List.of(),
        new SandboxVolumes.Buckets(
            Path.of("/mnt/ossfs"), SandboxVolumes.Buckets.USUAL_PROGRAMS, Path.of("/tmp")));
  }

  /// This configuration with another network mode.
  public DockerRuntimeConfig withNetworkMode(String mode) {
    return new DockerRuntimeConfig(
        engine, execdImage, mode, apiTimeout, hosts, security, allowedHostPaths, buckets);
  }

  /// Whether sandboxes share the host's network.
  boolean isHostNetwork() {
    return networkMode.equals("host");
  }

  /// Name of the user-defined network; empty for the engine's own modes.
  Optional<String> customNetwork() {
    boolean own =
        List.of("host", "bridge", "none", "default").contains(networkMode)
            || networkMode.startsWith("container:");
    return own ? Optional.empty() : Optional.of(networkMode);
  }

  /// What sandboxes may not do.
  ///
  /// @param dropCapabilities `docker.drop_capabilities`, without `CAP_`
  /// @param noNewPrivileges `docker.no_new_privileges`
  /// @param apparmorProfile `docker.apparmor_profile`; blank is unset
  /// @param seccompProfile `docker.seccomp_profile`: a file with the profile's JSON, `unconfined`,
  ///   or the JSON itself; blank is unset
  /// @param pidsLimit `docker.pids_limit`
  /// @param ociRuntime name of the engine's secure runtime (`secure_runtime`); blank for its
  ///   default
  public record Security(
      List<String> dropCapabilities,
      boolean noNewPrivileges,
      String apparmorProfile,
      String seccompProfile,
      OptionalLong pidsLimit,
      String ociRuntime) {
    /// The contract's defaults.
    public static final Security DEFAULT =
        new Security(
            List.of(
                "AUDIT_WRITE",
                "MKNOD",
                "NET_ADMIN",
                "NET_RAW",
                "SYS_ADMIN",
                "SYS_MODULE",
                "SYS_PTRACE",
                "SYS_TIME",
                "SYS_TTY_CONFIG"),
            true,
            "",
            "",
            OptionalLong.of(4096),
            "");

    /// Copies the list.
    public Security {
      dropCapabilities = List.copyOf(dropCapabilities);
    }
  }
}
