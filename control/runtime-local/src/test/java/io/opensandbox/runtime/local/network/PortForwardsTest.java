package io.opensandbox.runtime.local.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class PortForwardsTest {
  /// A loopback address that nobody else uses, so that a port of it stays free.
  private static final String SANDBOX = "127.88.77.66";

  @Test
  void withPatience_aConnectionWaitsForTheSandboxToListen() throws IOException {
    int port = closedPort();
    try (PortForwards ports = new PortForwards("127.0.0.1");
        PortForwards.Forward forward = ports.open(SANDBOX, port, Duration.ofMinutes(1));
        Socket client = connect(forward)) {
      client.getOutputStream().write('a');

      try (ServerSocket sandbox = listen(port);
          Socket inside = sandbox.accept()) {
        int received = inside.getInputStream().read();
        inside.getOutputStream().write('b');

        assertThat((char) received).isEqualTo('a');
        assertThat((char) client.getInputStream().read()).isEqualTo('b');
      }
    }
  }

  @Test
  void withoutPatience_aConnectionToNobodyIsClosed() throws IOException {
    try (PortForwards ports = new PortForwards("127.0.0.1");
        PortForwards.Forward forward = ports.open(SANDBOX, closedPort(), Duration.ZERO);
        Socket client = connect(forward)) {
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void closing_endsConnectionsThatWait() throws IOException {
    try (PortForwards ports = new PortForwards("127.0.0.1");
        Socket client = connect(ports.open(SANDBOX, closedPort(), Duration.ofMinutes(10)))) {
      ports.closeAll();

      assertThat(endOf(client)).isTrue();
    }
  }

  private static boolean endOf(Socket client) {
    try {
      return client.getInputStream().read() < 0;
    } catch (IOException e) {
      return true;
    }
  }

  private static Socket connect(PortForwards.Forward forward) throws IOException {
    Socket client = new Socket(InetAddress.getLoopbackAddress(), forward.hostPort());
    client.setSoTimeout(60_000);
    return client;
  }

  private static int closedPort() throws IOException {
    try (ServerSocket found = listen(0)) {
      return found.getLocalPort();
    }
  }

  private static ServerSocket listen(int port) throws IOException {
    ServerSocket listener = new ServerSocket();
    listener.setReuseAddress(true);
    listener.setSoTimeout(60_000);
    listener.bind(new InetSocketAddress(SANDBOX, port));
    return listener;
  }
}
