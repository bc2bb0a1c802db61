package io.opensandbox.execd.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExitStatusTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0, false, exit status 0",
    "127, 0, false, exit status 127",
    "-1, 9, false, signal: killed",
    "-1, 15, false, signal: terminated",
    "-1, 6, true, signal: aborted (core dumped)",
    "-1, 31, false, signal: signal 31"
  })
  void describesLikeTheContract(int code, int signal, boolean core, String expected) {
    assertThat(new ExitStatus(code, signal, core, 0).describe()).isEqualTo(expected);
  }
}
