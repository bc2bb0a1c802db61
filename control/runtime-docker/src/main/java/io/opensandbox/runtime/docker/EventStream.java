package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.databind.JsonNode;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.RuntimeEvent;
import io.opensandbox.runtime.SandboxRuntime.EventListener;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import io.opensandbox.runtime.docker.image.ImageStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Follows the engine's events on one thread of its own and tells the caches and the listeners. A
/// broken stream is opened again until [#close]; after a gap everything may have changed.
final class EventStream implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EventStream.class);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  private final Engine engine;
  private final SandboxIndex index;
  private final ImageStore images;
  private final List<EventListener> listeners = new CopyOnWriteArrayList<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread thread;

  EventStream(Engine engine, SandboxIndex index, ImageStore images) {
    this.engine = engine;
    this.index = index;
    this.images = images;
    this.thread = Thread.ofVirtual().name("docker-events").unstarted(this::follow);
  }

  /// Starts following.
  void start() {
    thread.start();
  }

  void add(EventListener listener) {
    listeners.add(listener);
  }

  void remove(EventListener listener) {
    listeners.remove(listener);
  }

  private void follow() {
    Duration pause = FIRST_PAUSE;
    boolean again = false;
    while (closed.getCount() > 0) {
      try {
        boolean resync = again;
        engine.follow(
            path(),
            () -> {
              flow(true);
              if (resync) {
                tell(new RuntimeEvent.Resync());
              }
            },
            this::handle);
        log.info("the engine ended its events");
        pause = FIRST_PAUSE;
      } catch (EngineException e) {
        if (closed.getCount() > 0) {
          log.warn("events of the engine are away: {}", e.text());
        }
      }
      again = true;
      flow(false);
      pause = awaitNextTry(pause);
    }
  }

  private static String path() {
    Map<String, List<String>> filters =
        Map.of(
            "type",
            List.of("container", "image"),
            "event",
            List.of(
                "create", "start", "die", "oom", "pause", "unpause", "destroy", "pull", "tag",
                "untag", "delete", "load", "import"));
    return "/events?filters=" + Engine.filters(filters);
  }

  private void flow(boolean flow) {
    index.eventsFlow(flow);
    images.eventsFlow(flow);
  }

  private void handle(JsonNode event) {
    if (event.path("Type").asText().equals("image")) {
      images.forget();
      return;
    }
    String id = event.path("Actor").path("Attributes").path(Labels.ID).asText("");
    if (id.isBlank()) {
      return;
    }
    String container = event.path("Actor").path("ID").asText("");
    switch (event.path("Action").asText()) {
      case "create" -> index.made(id, container);
      case "start" -> index.started(id, container);
      case "die" -> index.died(id);
      default -> index.changed(id);
    }
    tell(new RuntimeEvent.Changed(id));
  }

  private void tell(RuntimeEvent event) {
    for (EventListener listener : listeners) {
      try {
        listener.event(event);
      } catch (RuntimeException e) {
        // One listener's fault must not end the events of the others.
        log.error("a listener failed on {}", event, e);
      }
    }
  }

  private Duration awaitNextTry(Duration pause) {
    try {
      if (closed.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
        return pause;
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      closed.countDown();
    }
    Duration doubled = pause.multipliedBy(2);
    return doubled.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : doubled;
  }

  /// Stops following; the caller closes the engine, which ends the open stream.
  @Override
  public void close() {
    closed.countDown();
    thread.interrupt();
  }
}
