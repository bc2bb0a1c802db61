package io.opensandbox.server.diagnostics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MaskingTest {
  @ParameterizedTest
  @CsvSource({
    "'  DB_PASSWORD=hunter2', '  DB_PASSWORD=***'",
    "'my_secret_thing: a b c', 'my_secret_thing: ***'",
    "'  opensandbox.io/egress-auth-token=abc', '  opensandbox.io/egress-auth-token=***'",
    "'  opensandbox.io/secure-access-token: abc', '  opensandbox.io/secure-access-token: ***'",
    "'  A_TOKEN=', '  A_TOKEN='",
    "'  A_TOKEN=***', '  A_TOKEN=***'",
    "'  PATH=/usr/bin', '  PATH=/usr/bin'",
    "'Image: registry/token:1', 'Image: registry/token:1'",
  })
  void masksValuesOfSecretNames(String line, String masked) {
    assertThat(Masking.mask(line)).isEqualTo(masked);
  }

  @Test
  void masksEveryLineOnItsOwn() {
    assertThat(Masking.mask("A=1\nTOKEN=2\nB=3\nX_API_KEY=4\n"))
        .isEqualTo("A=1\nTOKEN=***\nB=3\nX_API_KEY=***\n");
  }
}
