package io.opensandbox.server;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.docker.DockerRuntime;
import io.opensandbox.runtime.docker.DockerRuntimeConfig;
import io.opensandbox.runtime.docker.PortHosts;
import io.opensandbox.runtime.docker.engine.EngineAddress;
import io.opensandbox.runtime.docker.engine.EngineWatch;
import io.opensandbox.runtime.docker.volume.SandboxVolumes;
import io.opensandbox.runtime.local.LocalConfig;
import io.opensandbox.runtime.local.LocalRuntime;
import io.opensandbox.runtime.local.process.HostRunner;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.tracing.Tracing;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// Opens the runtime that the configuration names.
final class Runtimes {
  // Docker puts this file into every container.
  private static final Path INSIDE_CONTAINER = Path.of("/.dockerenv");

  private Runtimes() {}

  /// @param tracing of what the runtime is asked for
  static SandboxRuntime open(Config config, Environment environment, Tracing tracing) {
    return switch (config.runtime().type()) {
      case "docker" ->
          DockerRuntime.open(
              docker(config, environment.variables()),
              environment.clock(),
              tracing.equals(Tracing.OFF) ? EngineWatch.NONE : new EngineSpans(tracing));
      // Its tools are on root's usual path, whatever the server's own is.
      case "local" ->
          new LocalRuntime(
              local(config), environment.clock(), new HostRunner(HostRunner.USUAL_PATH));
      default ->
          throw new SandboxException(
              ErrorCode.RUNTIME_UNAVAILABLE,
              "runtime.type \"" + config.runtime().type() + "\" is not built into this server");
    };
  }

  private static DockerRuntimeConfig docker(Config config, Map<String, String> variables) {
    Config.Docker docker = config.docker();
    Config.Server server = config.server();
    boolean tls = !variables.getOrDefault("DOCKER_TLS_VERIFY", "").isEmpty();
    Optional<Path> certificates =
        Optional.ofNullable(variables.get("DOCKER_CERT_PATH"))
            .filter(text -> !text.isBlank())
            .map(Path::of);
    OptionalLong pids =
        docker.pidsLimit().isPresent()
            ? OptionalLong.of(docker.pidsLimit().getAsInt())
            : OptionalLong.empty();
    return new DockerRuntimeConfig(
        EngineAddress.parse(variables.getOrDefault("DOCKER_HOST", ""), tls, certificates),
        config.runtime().execdImage(),
        docker.networkMode(),
        docker.apiTimeout(),
        PortHosts.resolve(
            server.eip().orElse(""),
            server.host(),
            docker.hostIp().orElse(""),
            Files.exists(INSIDE_CONTAINER)),
        new DockerRuntimeConfig.Security(
            docker.dropCapabilities(),
            docker.noNewPrivileges(),
            docker.apparmorProfile().orElse(""),
            docker.seccompProfile().orElse(""),
            pids,
            config.secureRuntime().effectiveDockerRuntime().orElse("")),
        config.storage().allowedHostPaths(),
        new SandboxVolumes.Buckets(
            Path.of(config.storage().ossfsRoot()),
            variables.getOrDefault("PATH", SandboxVolumes.Buckets.USUAL_PROGRAMS),
            Path.of(System.getProperty("java.io.tmpdir"))));
  }

  private static LocalConfig local(Config config) {
    Config.Local local = config.local();
    String host = config.server().host().strip();
    boolean wildcard = List.of("", "0.0.0.0", "::").contains(host);
    return new LocalConfig(
        local.dataDirectory(),
        local.execdDirectory(),
        PortHosts.resolve(config.server().eip().orElse(""), host, "", false).publicHost(),
        wildcard ? "0.0.0.0" : host,
        config.storage().allowedHostPaths().stream().map(Path::of).toList(),
        LocalConfig.DEFAULT_CAPABILITIES,
        local.pidsLimit(),
        new LocalConfig.Limits(
            local.logBytes(),
            local.imageBytes(),
            local.memoryBytes(),
            local.preparedNetworks(),
            local.diskBytes(),
            local.sandboxDiskBytes(),
            local.requireLimits()),
        new LocalConfig.ImageSources(
            local.imageDirectories(), local.insecureRegistries(), local.imageLayouts()));
  }
}
