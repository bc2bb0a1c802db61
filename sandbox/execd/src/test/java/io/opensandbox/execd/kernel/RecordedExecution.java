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

  synchronized List<String> traceback() {
    return traceback;
  }

  synchronized void awaitEvents(int count) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (events.size() < count && System.nanoTime() < deadline) {
      wait(100);
    }
  }

  @Override
  public void output(Stream stream, String text) {
    add(stream + " " + text);
  }

  @Override
  public void result(long executionCount, JsonObject bundle) {
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
