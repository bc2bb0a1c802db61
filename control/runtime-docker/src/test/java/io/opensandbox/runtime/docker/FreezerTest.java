package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.runtime.docker.engine.EngineException;
import io.opensandbox.runtime.docker.engine.ScriptedEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Freezing on an engine that does not always manage to.
class FreezerTest {
  private static final String BUSY =
      ScriptedEngine.answer(
          "500 Internal Server Error",
          "{\"message\":\"OCI runtime pause failed: unable to freeze: unknown\"}");

  @RegisterExtension final ScriptedEngine script = new ScriptedEngine();

  private long tries() {
    return script.requests().stream().filter(request -> request.contains("/pause")).count();
  }

  @Test
  void whatCannotBeFrozenAtOnceIsTriedAgain() {
    script.add(BUSY);
    script.add(BUSY);
    script.add(ScriptedEngine.answer("204 No Content", ""));

    new Freezer(script.client()).post("/containers/a/pause");

    assertThat(tries()).isEqualTo(3);
  }

  @Test
  void otherFailuresAreNot() {
    script.add(ScriptedEngine.answer("409 Conflict", "{\"message\":\"already paused\"}"));

    assertThatThrownBy(() -> new Freezer(script.client()).post("/containers/a/pause"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("already paused");
    assertThat(tries()).isEqualTo(1);
  }

  @Test
  void itGivesUpInTheEnd() {
    for (int i = 0; i < 10; i++) {
      script.add(BUSY);
    }

    assertThatThrownBy(() -> new Freezer(script.client()).post("/containers/a/pause"))
        .isInstanceOf(EngineException.class);
    assertThat(tries()).isEqualTo(10);
  }
}
