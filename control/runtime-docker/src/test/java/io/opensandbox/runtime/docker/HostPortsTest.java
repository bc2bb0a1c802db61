package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.lifecycle.SandboxException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;

final class HostPortsTest {
  @Test
  void portsAreInTheRangeAndDistinct() {
    HostPorts ports = new HostPorts(new Random(3), false);
    Set<Integer> given = new HashSet<>();

    for (int i = 0; i < 1000; i++) {
      int port = ports.reserve("s" + i);
      assertThat(port).isBetween(40_000, 60_000);
      assertThat(given.add(port)).isTrue();
    }
  }

  @Test
  void reservedPort_isGivenAgainOnlyAfterRelease() {
    HostPorts ports = new HostPorts(always(40_001), false);
    assertThat(ports.reserve("a")).isEqualTo(40_001);

    Assertions.assertThatThrownBy(() -> ports.reserve("b"))
        .isInstanceOf(SandboxException.class)
        .hasMessageContaining("no free host port");

    ports.release("a");
    assertThat(ports.reserve("b")).isEqualTo(40_001);
  }

  @Test
  void portSomebodyListensOn_isNotGiven() throws IOException {
    try (ServerSocketChannel other = ServerSocketChannel.open()) {
      other.bind(new InetSocketAddress("0.0.0.0", 0));
      int taken = ((InetSocketAddress) other.getLocalAddress()).getPort();
      HostPorts ports = new HostPorts(always(taken), true);

      Assertions.assertThatThrownBy(() -> ports.reserve("a")).isInstanceOf(SandboxException.class);
    }
  }

  private static RandomGenerator always(int value) {
    return new RandomGenerator() {
      @Override
      public long nextLong() {
        return value;
      }

      @Override
      public int nextInt(int origin, int bound) {
        return value;
      }
    };
  }
}
