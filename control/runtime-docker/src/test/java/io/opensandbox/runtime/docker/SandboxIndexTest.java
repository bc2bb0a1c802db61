package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.RuntimeSandbox.State;
import io.opensandbox.runtime.docker.engine.ScriptedEngine;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SandboxIndexTest {
  @RegisterExtension final ScriptedEngine script = new ScriptedEngine();

  private SandboxIndex index;

  @BeforeEach
  void open() {
    index = new SandboxIndex(script.client(), Optional.empty());
    index.eventsFlow(true);
  }

  private void nextIs(String container, String state) {
    script.add(
        ScriptedEngine.answer(
            "200 OK",
            "{\"Id\":\"%s\",\"State\":{\"Status\":\"%s\",\"Running\":%s},\"Config\":{\"Labels\":{\"opensandbox.io/id\":\"a\"}}}"
                .formatted(container, state, state.equals("running"))));
  }

  @ParameterizedTest
  @CsvSource({"c1, true", "c2, false"})
  void containerThatIsKnownWhenItsCreationIsTold_isNotAskedForAgain(String told, boolean known) {
    nextIs("c1", "created");
    nextIs("c2", "created");
    SeenSandbox first = index.fetch("a");

    index.made("a", told);

    assertThat(index.recall("a").containerId()).isEqualTo(known ? first.containerId() : "c2");
  }

  @ParameterizedTest
  @CsvSource({"running, c1, 1", "created, c1, 2", "exited, c1, 2", "running, c2, 2"})
  void startIsKnownToWhoeverHasSeenThatContainerRun(String seen, String told, int asked) {
    nextIs("c1", seen);
    nextIs("c1", "running");
    index.fetch("a");
    int before = script.requests().size() - 1;

    index.started("a", told);

    assertThat(index.recall("a").sandbox().state()).isEqualTo(State.RUNNING);
    assertThat(script.requests()).hasSize(before + asked);
  }

  @Test
  void endOfARunIsNewsEvenIfTheNextOneIsSeen() {
    nextIs("c1", "running");
    nextIs("c1", "running");
    SeenSandbox first = index.fetch("a");

    index.died("a");
    index.started("a", "c1");

    assertThat(index.recall("a")).isEqualTo(first).isNotSameAs(first);
  }
}
