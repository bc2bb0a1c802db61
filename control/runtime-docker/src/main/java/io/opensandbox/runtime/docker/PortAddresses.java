package io.opensandbox.runtime.docker;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PortAddress;
import java.util.Map;
import java.util.OptionalInt;

/// Where ports of sandboxes are reached (docker-runtime contract, section 11).
final class PortAddresses {
  private static final int EXECD = 44_772;
  private static final int HTTP = 8080;
  private static final int EGRESS = 18_080;
  private static final String EGRESS_HEADER = "OPENSANDBOX-EGRESS-AUTH";

  private final SandboxIndex index;
  private final PortHosts hosts;
  private final boolean hostNetwork;

  PortAddresses(SandboxIndex index, PortHosts hosts, boolean hostNetwork) {
    this.index = index;
    this.hosts = hosts;
    this.hostNetwork = hostNetwork;
  }

  PortAddress forClients(String id, int port) {
    SeenSandbox sandbox = index.recall(id);
    PortAddress address = published(sandbox, hosts.publicHost(), port);
    String token = sandbox.sandbox().labels().getOrDefault(Labels.EGRESS_TOKEN, "");
    if (port == EGRESS && !token.isEmpty()) {
      return new PortAddress(address.authority(), address.path(), Map.of(EGRESS_HEADER, token));
    }
    return address;
  }

  PortAddress forServer(String id, int port) {
    SeenSandbox sandbox = index.recall(id);
    if (sandbox.sandbox().labels().containsKey(Labels.EGRESS_TOKEN)) {
      return published(sandbox, hosts.proxyHost(), port);
    }
    if (hostNetwork) {
      return new PortAddress("127.0.0.1:" + port, "", Map.of());
    }
    String ip =
        sandbox
            .ip()
            .orElseThrow(
                () -> unavailable("sandbox \"" + id + "\" has no IP address in its network"));
    return new PortAddress(ip + ":" + port, "", Map.of());
  }

  private PortAddress published(SeenSandbox sandbox, String host, int port) {
    if (hostNetwork) {
      return new PortAddress(host + ":" + port, "", Map.of());
    }
    if (port == HTTP) {
      return new PortAddress(host + ":" + decided(sandbox, sandbox.httpPort(), HTTP), "", Map.of());
    }
    int execd = decided(sandbox, sandbox.execdPort(), EXECD);
    return new PortAddress(host + ":" + execd, "/proxy/" + port, Map.of());
  }

  private static int decided(SeenSandbox sandbox, OptionalInt port, int wanted) {
    return port.orElseThrow(() ->
        unavailable(
            "sandbox \"" + sandbox.sandbox().id() + "\" has no host port for its port " + wanted));
  }

  private static SandboxException unavailable(String why) {
    return new SandboxException(ErrorCode.ENDPOINT_UNAVAILABLE, why);
  }
}
