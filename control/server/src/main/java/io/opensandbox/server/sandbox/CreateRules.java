package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.server.config.Config;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// What the configuration and the runtime allow a create to ask for.
///
/// @param networkPolicyRefusal why network policies are refused, or empty when they are not
public record CreateRules(
    OptionalLong maxTimeoutSeconds,
    List<String> allowedHostPaths,
    Optional<String> networkPolicyRefusal) {
  /// Copies the paths.
  public CreateRules {
    allowedHostPaths = List.copyOf(allowedHostPaths);
  }

  /// The rules of a configuration with a runtime.
  public static CreateRules of(Config config, Capabilities capabilities) {
    return new CreateRules(
        config.server().maxSandboxTimeoutSeconds(),
        config.storage().allowedHostPaths(),
        networkPolicyRefusal(config, capabilities));
  }

  private static Optional<String> networkPolicyRefusal(Config config, Capabilities capabilities) {
    if (config.runtime().type().equals("docker")) {
      if (!config.docker().bridgeNetwork()) {
        return Optional.of("\"networkPolicy\" needs docker.network_mode \"bridge\"");
      }
      if (config.egress().image().isEmpty()) {
        return Optional.of("\"networkPolicy\" needs the configuration key egress.image");
      }
    }
    return capabilities.has(Capabilities.Feature.NETWORK_POLICY)
        ? Optional.empty()
        : Optional.of("\"networkPolicy\" is not supported by this runtime");
  }

  void checkNetworkPolicy() {
    if (networkPolicyRefusal.isPresent()) {
      throw new SandboxException(ErrorCode.INVALID_PARAMETER, networkPolicyRefusal.get());
    }
  }
}
