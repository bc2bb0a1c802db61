package io.opensandbox.e2e.code;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.wire.Execution;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The image with its Jupyter server, as published: the languages, and another Python than the
/// default.
@Timeout(300)
class LanguagesIT {
  private static Interpreter interpreter;

  @BeforeAll
  static void create() {
    interpreter = Interpreter.create(Map.of("PYTHON_VERSION", "3.11"));
    interpreter.awaitJupyter();
  }

  @AfterAll
  static void delete() {
    if (interpreter != null) {
      interpreter.close();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "python | x = 20 | print(x + 1)",
        "bash | X=20 | echo $((X + 1))",
        "java | int x = 20; | System.out.println(x + 1);",
        "javascript | let x = 20 | console.log(x + 1)",
        "typescript | let x: number = 20 | console.log(x + 1)",
        "go | var x = 20 | fmt.Println(x + 1)",
      })
  void keepsStateInEachLanguage(String language, String first, String second) {
    String context = interpreter.context(language);
    String imports = language.equals("go") ? "import \"fmt\"\n" : "";

    Execution declared = interpreter.run(context, language, first);
    Execution used = interpreter.run(context, language, imports + second);

    assertThat(declared.types()).endsWith("execution_complete");
    assertThat(Interpreter.output(used)).isEqualTo("21\n");
  }

  @Test
  void javaReportsAnEvalException() {
    Execution run = interpreter.run(interpreter.context("java"), "java", "1 / 0");

    assertThat(run.error().orElseThrow().text("ename")).isEqualTo("EvalException");
  }

  @Test
  void theChosenPythonIsEverywhere() {
    Execution kernel =
        interpreter.run("", "python", "import sys; print('%d.%d' % sys.version_info[:2])");
    List<String> command = interpreter.execd().linesOf("python3 --version");
    List<String> shell = interpreter.execd().linesOf("bash -ic 'python3 --version' 2>/dev/null");

    assertThat(Interpreter.output(kernel)).isEqualTo("3.11\n");
    assertThat(command.getFirst()).startsWith("Python 3.11.");
    assertThat(shell.getLast()).startsWith("Python 3.11.");
  }

  @Test
  void theJupyterServerListensOnLoopbackOnly() {
    assertThat(
            interpreter
                .execd()
                .linesOf(
                    "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:44771/api/kernels"))
        .containsExactly("403");
    assertThat(
            interpreter
                .execd()
                .linesOf(
                    "curl -s -o /dev/null -w '%{http_code}'"
                        + " -H \"Authorization: Token $JUPYTER_TOKEN\" http://127.0.0.1:44771/api/kernels"))
        .containsExactly("200");
    assertThat(
            interpreter
                .execd()
                .run("curl -s --max-time 10 http://$(hostname -i):44771/api/kernels")
                .exitCode())
        .isEqualTo(7);
  }
}
