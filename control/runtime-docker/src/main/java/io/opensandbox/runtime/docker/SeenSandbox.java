package io.opensandbox.runtime.docker;

import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.RuntimeSandbox;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// What is kept of a container's inspection: the sandbox and how to reach it.
///
/// @param ip address of the container, while it has one
/// @param execdMounted whether its execd is one of ours
/// @param volumes names of the volumes mounted in it
record SeenSandbox(
    String containerId,
    RuntimeSandbox sandbox,
    OptionalInt execdPort,
    OptionalInt httpPort,
    Optional<String> ip,
    boolean execdMounted,
    List<String> volumes) {
  static SeenSandbox of(ContainerView view, Optional<String> network) {
    return new SeenSandbox(
        view.containerId(),
        view.sandbox(),
        view.publishedPort(Labels.EXECD_PORT),
        view.publishedPort(Labels.HTTP_PORT),
        view.ipAddress(network),
        view.hasMountedExecd(),
        view.volumes());
  }
}
