package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Keeps what a run gave, as text.
final class RecordedExecution implements Execution {
  private final List<String> events = new ArrayList<>();
  private final List<JsonObject> bundles = new ArrayList<>();
  private List<String> traceback = List.of();

  void runOn(Kernel kernel, String code) {
    try {
      if (!kernel.run(code, this)) {
        throw new IllegalStateException("the kernel is busy");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  synchronized List<String> events() {
    return List.copyOf(events);
  }

  /// The results' content by MIME type.
  synchronized List<JsonObject> bundles() {
    return List.copyOf(bundles);
  }

  synchronized List<String> traceback() {
    return traceback;
  }

  synchronized void awaitEvents(int count) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (events.size() < count) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("only these events came: " + events);
      }
      wait(100);
    }
  }

  @Override
  public void output(Stream stream, String text) {
    add(stream + " " + text);
  }

  @Override
  public synchronized void result(long executionCount, JsonObject bundle) {
    bundles.add(bundle);
    add("result " + executionCount + " " + bundle.stringOrEmpty("text/plain"));
  }

  @Override
  public void cut() {
    add("cut");
  }

  @Override
  public synchronized void error(String name, String value, List<String> lines) {
    traceback = List.copyOf(lines);
    add("error " + name + " " + value);
  }

  @Override
  public void complete() {
    add("complete");
  }

  private synchronized void add(String event) {
    events.add(event);
    notifyAll();
  }
}
