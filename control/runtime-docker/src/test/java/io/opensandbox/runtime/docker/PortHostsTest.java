package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PortHostsTest {
  @ParameterizedTest
  @CsvSource({
    "' 203.0.113.9 ',0.0.0.0,'',false,203.0.113.9,127.0.0.1",
    "203.0.113.9,10.0.0.1,'',false,203.0.113.9,10.0.0.1",
    "'',10.0.0.1,host.docker.internal,true,10.0.0.1,10.0.0.1",
    "'',0.0.0.0,host.docker.internal,true,host.docker.internal,host.docker.internal",
    "'',::,host.docker.internal,true,host.docker.internal,host.docker.internal",
    "'',::1,host.docker.internal,true,[::1],[::1]",
    "203.0.113.9,'',host.docker.internal,true,203.0.113.9,host.docker.internal",
  })
  void firstThatIsSetWins(
      String eip,
      String serverHost,
      String hostIp,
      boolean inContainer,
      String publicHost,
      String proxyHost) {
    assertThat(PortHosts.resolve(eip, serverHost, hostIp, inContainer))
        .isEqualTo(new PortHosts(publicHost, proxyHost));
  }

  @ParameterizedTest
  @CsvSource({"0.0.0.0,''", "::,''", "'',''", "0.0.0.0,10.9.9.9"})
  void nothingSet_isTheHostsOwnAddress(String serverHost, String hostIpOutsideAContainer) {
    PortHosts hosts = PortHosts.resolve("", serverHost, hostIpOutsideAContainer, false);

    assertThat(hosts.publicHost()).matches("\\d+\\.\\d+\\.\\d+\\.\\d+").isNotEqualTo("0.0.0.0");
    assertThat(hosts.proxyHost()).isEqualTo("127.0.0.1");
  }
}
