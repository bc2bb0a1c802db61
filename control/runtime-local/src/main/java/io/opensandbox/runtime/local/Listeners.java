package io.opensandbox.runtime.local;

import io.opensandbox.runtime.RuntimeEvent;
import io.opensandbox.runtime.SandboxRuntime.EventListener;
import io.opensandbox.runtime.SandboxRuntime.Subscription;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// Passes events on, in order, on one thread.
final class Listeners implements AutoCloseable {
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().name("local-events").factory());
  private final List<EventListener> listeners = new CopyOnWriteArrayList<>();

  Subscription add(EventListener listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  void changed(String id) {
    RuntimeEvent event = new RuntimeEvent.Changed(id);
    thread.execute(() -> listeners.forEach(listener -> listener.event(event)));
  }

  @Override
  public void close() {
    thread.shutdown();
  }
}
