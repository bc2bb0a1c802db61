package io.opensandbox.e2e.code;

import io.opensandbox.e2e.testbed.TestSandbox;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Deadline;
import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Execution;
import io.opensandbox.e2e.wire.Json;
import io.opensandbox.e2e.wire.Server;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// A sandbox of the code-interpreter image.
record Interpreter(TestSandbox sandbox) implements AutoCloseable {
  static final String IMAGE = "opensandbox/code-interpreter:local";

  /// Creates one and waits until its execd answers.
  ///
  /// @param env on top of the image's; an empty `JUPYTER_HOST` means kernels without a server
  static Interpreter create(Map<String, String> env) {
    Map<String, Object> request =
        Server.request(IMAGE, "/opt/code-interpreter/code-interpreter.sh");
    request.put("env", env);
    request.put("resourceLimits", Map.of("cpu", "2", "memory", "3Gi"));
    return new Interpreter(Testbed.create(request));
  }

  Execd execd() {
    return sandbox.execd();
  }

  /// Waits until the image's start script has chosen the versions; without a Jupyter server its
  /// last step is to sleep.
  void awaitScript() {
    Deadline.in(Duration.ofSeconds(60))
        .await(() -> execd().run("pgrep -x sleep").exitCode() == 0, "the image starts");
  }

  /// Waits until the image's Jupyter server answers.
  void awaitJupyter() {
    String probe = "curl -s -o /dev/null --fail --max-time 5 http://127.0.0.1:44771/api";
    Deadline.in(Duration.ofMinutes(2))
        .await(() -> execd().run(probe).exitCode() == 0, "the Jupyter server answers");
  }

  /// Creates a context and gives its id.
  String context(String language) {
    return execd()
        .http()
        .sendJson("POST", "/code/context", Map.of("language", language))
        .expect(200)
        .json()
        .text("id");
  }

  Execution run(String context, String language, String code) {
    return run(context, language, code, _ -> {});
  }

  Execution run(String context, String language, String code, Consumer<Json> onEvent) {
    Map<String, ?> where = Map.of("id", context, "language", language);
    return execd().stream("/code", Map.of("code", code, "context", where), onEvent);
  }

  /// The `results` objects of a run.
  static List<Json> results(Execution execution) {
    return execution.events().stream()
        .filter(event -> event.text("type").equals("result"))
        .map(event -> event.at("results"))
        .toList();
  }

  /// All that went to stdout.
  static String output(Execution execution) {
    return String.join("", execution.stdout());
  }

  @Override
  public void close() {
    sandbox.close();
  }
}
