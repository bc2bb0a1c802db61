package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.RuntimeEvent;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.ScriptedEngine;
import io.opensandbox.runtime.docker.image.ImageStore;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

final class EventStreamTest {
  @RegisterExtension final ScriptedEngine script = new ScriptedEngine();

  private final BlockingQueue<RuntimeEvent> told = new LinkedBlockingQueue<>();
  private SandboxIndex index;
  private EventStream events;

  @BeforeEach
  void open() {
    Engine engine = script.client();
    index = new SandboxIndex(engine, Optional.empty());
    events = new EventStream(engine, index, new ImageStore(engine, Duration.ofSeconds(60)));
    events.add(told::add);
  }

  @AfterEach
  void close() {
    events.close();
  }

  private static String event(String action, String id) {
    return "{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"Attributes\":{\"opensandbox.io/id\":\"%s\"}}}\n"
        .formatted(action, id);
  }

  @Test
  void eventsOfSandboxes_areToldInOrder_othersAreNot() throws InterruptedException {
    script.add(
        ScriptedEngine.untilEnd(
            event("start", "a")
                + "{\"Type\":\"container\",\"Action\":\"start\"}\n"
                + "{\"Type\":\"image\",\"Action\":\"pull\"}\n"
                + event("die", "b")));
    long before = System.nanoTime();

    events.start();

    assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo(new RuntimeEvent.Changed("a"));
    assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo(new RuntimeEvent.Changed("b"));
    assertThat(index.hasDiedSince("b", before)).isTrue();
    assertThat(index.hasDiedSince("a", before)).isFalse();
  }

  @Test
  void brokenStream_isOpenedAgainWithAResync() throws InterruptedException {
    script.add(ScriptedEngine.untilEnd(event("start", "a") + "{\"Type\":"));
    script.add(ScriptedEngine.answer("500 Internal Server Error", "{\"message\":\"away\"}"));
    script.add(ScriptedEngine.untilEnd(event("pause", "c")));

    events.start();

    assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo(new RuntimeEvent.Changed("a"));
    assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo(new RuntimeEvent.Resync());
    assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo(new RuntimeEvent.Changed("c"));
  }

  @Test
  void listenerThatFails_doesNotEndTheEvents() throws InterruptedException {
    events.add(_ -> {
      throw new IllegalStateException("listener's own fault");
    });
    script.add(ScriptedEngine.untilEnd(event("start", "a") + event("die", "a")));

    events.start();

    assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo(new RuntimeEvent.Changed("a"));
    assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo(new RuntimeEvent.Changed("a"));
  }
}
