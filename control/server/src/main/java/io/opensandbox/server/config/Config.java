package io.opensandbox.server.config;

import io.opensandbox.server.store.PostgresqlAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// The whole configuration, valid.
public record Config(
    Server server,
    Log log,
    RuntimeChoice runtime,
    Docker docker,
    Local local,
    Ingress ingress,
    Egress egress,
    Storage storage,
    Store store,
    SecureRuntime secureRuntime,
    RenewIntent renewIntent) {
  /// This configuration with another port; 0 picks a free one.
  public Config onPort(int port) {
    var moved =
        new Server(
            server.host(),
            port,
            server.apiKey(),
            server.eip(),
            server.maxSandboxTimeoutSeconds(),
            server.keepAlive(),
            server.maxConcurrency(),
            server.backlog(),
            server.maxBodyBytes(),
            server.createWait(),
            server.rateLimitPerMinute(),
            server.keys());
    return new Config(
        moved,
        log,
        runtime,
        docker,
        local,
        ingress,
        egress,
        storage,
        store,
        secureRuntime,
        renewIntent);
  }

  /// HTTP server and access.
  ///
  /// @param apiKey the single key of the contract; blank counts as absent
  /// @param maxConcurrency requests at once; 0 means no limit
  public record Server(
      String host,
      int port,
      Optional<String> apiKey,
      Optional<String> eip,
      OptionalLong maxSandboxTimeoutSeconds,
      Duration keepAlive,
      int maxConcurrency,
      int backlog,
      int maxBodyBytes,
      Duration createWait,
      long rateLimitPerMinute,
      List<ApiKey> keys) {
    /// Copies the keys.
    public Server {
      keys = List.copyOf(keys);
    }

    @Override
    public String toString() {
      return "Server[host=" + host + ", port=" + port + "]";
    }
  }

  /// One of several API keys.
  ///
  /// @param sha256 lower-case hex of the key's SHA-256
  /// @param scopes of `read`, `write`, `admin`
  /// @param tenant whose sandboxes it sees; empty sees all
  public record ApiKey(String name, String sha256, List<String> scopes, Optional<String> tenant) {
    /// Copies the scopes.
    public ApiKey {
      scopes = List.copyOf(scopes);
    }
  }

  /// Logging.
  public record Log(
      String level,
      boolean fileEnabled,
      Path file,
      Path accessFile,
      long fileMaxBytes,
      int fileBackupCount) {}

  /// What runs sandboxes.
  ///
  /// @param type `docker`, `kubernetes` or `local`
  public record RuntimeChoice(String type, String execdImage) {}

  /// The local runtime.
  ///
  /// @param imageDirectories below which images in files may lie
  /// @param imageLayouts OCI image layouts whose images are known by their names
  public record Local(
      Path dataDirectory,
      Path execdDirectory,
      long pidsLimit,
      long logBytes,
      long imageBytes,
      OptionalLong memoryBytes,
      int preparedNetworks,
      List<Path> imageDirectories,
      List<String> insecureRegistries,
      List<Path> imageLayouts,
      OptionalLong diskBytes,
      long sandboxDiskBytes,
      boolean requireLimits) {
    /// Copies the lists.
    public Local {
      imageLayouts = List.copyOf(imageLayouts);
      imageDirectories = List.copyOf(imageDirectories);
      insecureRegistries = List.copyOf(insecureRegistries);
    }
  }

  /// The Docker runtime.
  public record Docker(
      String networkMode,
      Duration apiTimeout,
      Optional<String> hostIp,
      List<String> dropCapabilities,
      Optional<String> apparmorProfile,
      boolean noNewPrivileges,
      Optional<String> seccompProfile,
      OptionalInt pidsLimit) {
    /// Copies the capabilities.
    public Docker {
      dropCapabilities = List.copyOf(dropCapabilities);
    }

    /// Whether sandboxes share the host's network.
    public boolean hostNetwork() {
      return networkMode.equalsIgnoreCase("host");
    }

    /// Whether sandboxes are on Docker's default bridge.
    public boolean bridgeNetwork() {
      return networkMode.equalsIgnoreCase("bridge");
    }
  }

  /// How clients reach sandboxes.
  public record Ingress(String mode, Optional<Gateway> gateway, Map<String, byte[]> signingKeys) {
    /// Copies the keys.
    public Ingress {
      signingKeys = Map.copyOf(signingKeys);
    }

    /// The gateway.
    public record Gateway(String address, String routeMode) {}
  }

  /// Network policy.
  public record Egress(Optional<String> image, String mode, boolean disableIpv6) {}

  /// Volumes.
  public record Storage(List<String> allowedHostPaths, String volumeDefaultSize, String ossfsRoot) {
    /// Copies the prefixes.
    public Storage {
      allowedHostPaths = List.copyOf(allowedHostPaths);
    }
  }

  /// Where the server keeps what it knows.
  ///
  /// @param path the SQLite file
  /// @param address the PostgreSQL database, when that is used instead of the file
  /// @param lease after which another server takes over what a dead one worked on
  /// @param maxSnapshots 0 for no limit
  public record Store(
      Path path, Optional<PostgresqlAddress> address, Duration lease, int maxSnapshots) {}

  /// A stronger boundary.
  public record SecureRuntime(
      String type, Optional<String> dockerRuntime, Optional<String> runtimeClass) {
    /// The OCI runtime to use on Docker, or empty for the engine's own.
    public Optional<String> effectiveDockerRuntime() {
      return switch (type) {
        case "gvisor" -> Optional.of(dockerRuntime.orElse("runsc"));
        case "kata" -> Optional.of(dockerRuntime.orElse("kata-runtime"));
        default -> Optional.empty();
      };
    }
  }

  /// Renewal on access.
  public record RenewIntent(boolean enabled, Duration minInterval, Optional<RenewSignals> redis) {}

  /// Where signals of the ingress come from.
  ///
  /// @param dsn address of Redis; may hold a password
  /// @param queueKey list to read from
  /// @param readers how many wait for signals at once
  public record RenewSignals(String dsn, String queueKey, int readers) {
    @Override
    public String toString() {
      return "RenewSignals[queueKey=" + queueKey + ", readers=" + readers + "]";
    }
  }
}
