package io.opensandbox.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class EnvFilesTest {
  private static final String CLAIMED =
      """
      PATH=/opt/tool:$PATH
      GREETING=of a tool
      # opensandbox: environment of the sandbox
      GREETING=of the claim
       TEAM =x
      KEPT=a=b
      # opensandbox: end
      GREETING=of another tool
      """;

  @Test
  void whatAClaimSaidAboutAVariableGoes_andNothingElse() {
    String left = new String(EnvFiles.without(CLAIMED.getBytes(UTF_8), Set.of("GREETING")), UTF_8);

    assertThat(left).isEqualTo(CLAIMED.replace("GREETING=of the claim\n", ""));
  }

  @Test
  void everyClaimCounts_alsoOneThatWasCutShort() {
    String two = CLAIMED + CLAIMED.substring(0, CLAIMED.indexOf("\n TEAM"));

    String left = new String(EnvFiles.without(two.getBytes(UTF_8), Set.of("GREETING")), UTF_8);

    assertThat(left).doesNotContain("of the claim").contains("of a tool", "of another tool");
  }

  @Test
  void fileWithNothingToTakeOut_isLeftAsItIs() {
    byte[] file = CLAIMED.getBytes(UTF_8);
    byte[] strange = {(byte) 0xff, '\n', '=', 0, '\r', '\n', (byte) 0x80};

    assertThat(EnvFiles.without(file, Set.of("OTHER", "PATH"))).isSameAs(file);
    assertThat(EnvFiles.without(strange, Set.of("", "A"))).isSameAs(strange);
    assertThat(EnvFiles.without(new byte[0], Set.of("A"))).isEmpty();
  }

  @Test
  void pathIsTheContractsUnlessTheEnvironmentSaysAnother() {
    assertThat(EnvFiles.path(Map.of())).contains("/opt/opensandbox/.env");
    assertThat(EnvFiles.path(Map.of("EXECD_ENVS", ""))).contains("/opt/opensandbox/.env");
    assertThat(EnvFiles.path(Map.of("EXECD_ENVS", "/home/u/env"))).contains("/home/u/env");
    assertThat(EnvFiles.path(Map.of("EXECD_ENVS", "$HOME/env"))).isEmpty();
    assertThat(EnvFiles.path(Map.of("EXECD_ENVS", "/home/"))).isEmpty();
  }
}
