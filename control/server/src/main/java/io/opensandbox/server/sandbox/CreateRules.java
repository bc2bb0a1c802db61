package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.http.Fields;
import java.time.Duration;
import java.time.Instant;
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
  private static final long MIN_TIMEOUT_SECONDS = 60;
  private static final Instant LAST_INSTANT = Instant.parse("9999-12-31T23:59:59Z");

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

  /// The member `timeout` of a body; absent for manual clean-up.
  static Optional<Long> timeoutSeconds(Fields body) {
    Optional<Long> timeout = body.integer("timeout");
    if (timeout.isPresent() && timeout.get() < MIN_TIMEOUT_SECONDS) {
      throw invalid("\"timeout\" must be at least 60 seconds, or absent for manual clean-up");
    }
    return timeout;
  }

  /// A life of so many seconds, if the configuration allows it.
  Optional<Duration> timeout(Optional<Long> seconds, Instant now) {
    if (seconds.isEmpty()) {
      return Optional.empty();
    }
    if (seconds.get() > Duration.between(now, LAST_INSTANT).toSeconds()) {
      throw invalid("\"timeout\" reaches beyond the year 9999");
    }
    if (maxTimeoutSeconds.isPresent() && seconds.get() > maxTimeoutSeconds.getAsLong()) {
      throw invalid(
          "\"timeout\" must be at most "
              + maxTimeoutSeconds.getAsLong()
              + " seconds (server.max_sandbox_timeout_seconds)");
    }
    return Optional.of(Duration.ofSeconds(seconds.get()));
  }

  private static SandboxException invalid(String message) {
    return new SandboxException(ErrorCode.INVALID_PARAMETER, message);
  }

  void checkNetworkPolicy() {
    if (networkPolicyRefusal.isPresent()) {
      throw new SandboxException(ErrorCode.INVALID_PARAMETER, networkPolicyRefusal.get());
    }
  }
}
