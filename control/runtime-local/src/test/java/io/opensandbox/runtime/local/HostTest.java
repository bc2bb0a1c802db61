package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class HostTest {
  @Test
  void resolversOfSandboxes_areTheHosts_withoutThoseOnItsLoopback() {
    assertThat(
            Host.resolvConf(
                List.of(
                    List.of(
                        "# made by hand",
                        "",
                        "nameserver 127.0.0.1",
                        "nameserver 192.0.2.53",
                        "nameserver ::1",
                        "search example.org"))))
        .isEqualTo("nameserver 192.0.2.53\nsearch example.org\n");
  }

  /// As systemd-resolved has it.
  @Test
  void whereOnlyTheLoopbackAnswers_theResolversBehindItAreAsked() {
    assertThat(
            Host.resolvConf(
                List.of(
                    List.of("nameserver 127.0.0.53", "options edns0"),
                    List.of("nameserver 192.0.2.53"))))
        .isEqualTo("nameserver 192.0.2.53\n");
  }

  @Test
  void whereThereIsNone_publicOnesAreAsked() {
    assertThat(Host.resolvConf(List.of(List.of("nameserver 127.0.0.53"))))
        .isEqualTo("nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
  }
}
