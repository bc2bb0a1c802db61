package io.opensandbox.e2e.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ExecutionTest {
  @Test
  void completion_isExitCodeZero() {
    var execution =
        execution(
            "{\"type\":\"init\",\"text\":\"id-1\",\"timestamp\":1}",
            "{\"type\":\"ping\",\"text\":\"pong\",\"timestamp\":1}",
            "{\"type\":\"stdout\",\"text\":\"a\",\"timestamp\":1}",
            "{\"type\":\"execution_complete\",\"timestamp\":1}");

    assertThat(execution.id()).isEqualTo("id-1");
    assertThat(execution.stdout()).containsExactly("a");
    assertThat(execution.types()).containsExactly("init", "stdout", "execution_complete");
    assertThat(execution.exitCode()).isZero();
  }

  @Test
  void error_givesItsNumber_orMinusOne() {
    var failed =
        "{\"type\":\"error\",\"error\":{\"ename\":\"CommandExecError\",\"evalue\":\"%s\"}}";

    assertThat(execution(failed.formatted("7")).exitCode()).isEqualTo(7);
    assertThat(execution(failed.formatted("no such shell")).exitCode()).isEqualTo(-1);
  }

  @Test
  void noTerminalEvent_isUnknown() {
    assertThat(execution("{\"type\":\"init\",\"text\":\"x\"}").exitCode()).isEqualTo(-1);
  }

  @Test
  void twoInits_areAnError() {
    var init = "{\"type\":\"init\",\"text\":\"x\"}";

    assertThatThrownBy(() -> execution(init, init).id()).hasMessageContaining("2 events");
  }

  private static Execution execution(String... events) {
    return new Execution(Arrays.stream(events).map(Json::parse).toList());
  }
}
