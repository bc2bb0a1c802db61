package io.opensandbox.e2e.code;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.wire.Execution;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A kernel that execd keeps in reserve, in an image whose start script chooses versions after
/// execd was started.
@Timeout(300)
class WarmKernelIT {
  private static final String SWITCH =
      "source /opt/code-interpreter/code-interpreter-env.sh python";
  private static final String VERSION = "import sys; print('%d.%d' % sys.version_info[:2])";

  @Test
  void hasTheChosenVersion_andTheOneThatIsChosenLater() {
    Map<String, String> env =
        Map.of("JUPYTER_HOST", "", "EXECD_WARM_KERNEL", "python", "PYTHON_VERSION", "3.11");
    try (var interpreter = Interpreter.create(env)) {
      interpreter.awaitScript();

      assertThat(versionIn(interpreter)).isEqualTo("3.11\n");
      assertThat(versionIn(interpreter)).as("of the next reserve").isEqualTo("3.11\n");

      for (String version : List.of("3.13", "3.12", "3.14")) {
        interpreter.execd().linesOf("bash -c '%s %s'".formatted(SWITCH, version));
        assertThat(versionIn(interpreter)).isEqualTo(version + "\n");
      }
    }
  }

  private static String versionIn(Interpreter interpreter) {
    Execution run = interpreter.run(interpreter.context("python"), "python", VERSION);
    return Interpreter.output(run);
  }
}
