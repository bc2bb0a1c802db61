package io.opensandbox.runtime.docker;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;

/// Host parts of the addresses of published ports (docker-runtime contract, section 11).
///
/// @param publicHost what clients are told
/// @param proxyHost what the server itself uses
public record PortHosts(String publicHost, String proxyHost) {
  private static final String LOOPBACK = "127.0.0.1";

  /// Decides both from the configuration.
  ///
  /// @param eip `server.eip`; blank is unset
  /// @param serverHost `server.host`; blank and wildcards are unset
  /// @param dockerHostIp `docker.host_ip`; blank is unset, never resolved
  /// @param insideContainer whether the server itself runs in a container
  public static PortHosts resolve(
      String eip, String serverHost, String dockerHostIp, boolean insideContainer) {
    boolean specific = !List.of("", "0.0.0.0", "::").contains(serverHost.strip());
    boolean useHostIp = insideContainer && !dockerHostIp.isBlank();
    String proxyHost =
        specific ? authority(serverHost.strip()) : useHostIp ? dockerHostIp.strip() : LOOPBACK;
    if (!eip.isBlank()) {
      return new PortHosts(eip.strip(), proxyHost);
    }
    boolean known = specific || useHostIp;
    return new PortHosts(known ? proxyHost : outwardAddress(), proxyHost);
  }

  /// RFC 3986, section 3.2.2: an IPv6 address stands in brackets before a port.
  private static String authority(String host) {
    return host.indexOf(':') >= 0 && !host.startsWith("[") ? "[" + host + "]" : host;
  }

  /// The address that the kernel would send from; a connected UDP socket sends nothing.
  private static String outwardAddress() {
    try (DatagramSocket socket = new DatagramSocket()) {
      socket.connect(new InetSocketAddress("8.8.8.8", 80));
      InetAddress address = socket.getLocalAddress();
      return address.isAnyLocalAddress() ? ownName() : address.getHostAddress();
    } catch (IOException | RuntimeException _) {
      return ownName(); // no route outward
    }
  }

  private static String ownName() {
    try {
      return InetAddress.getLocalHost().getHostAddress();
    } catch (IOException _) {
      return LOOPBACK; // the host does not know its own name
    }
  }
}
