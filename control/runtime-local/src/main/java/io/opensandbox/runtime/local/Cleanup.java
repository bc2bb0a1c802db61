package io.opensandbox.runtime.local;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Undoes steps in reverse order unless they are kept; one that fails does not stop the others.
final class Cleanup implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Cleanup.class);

  private final Deque<Runnable> steps = new ArrayDeque<>();

  /// Adds how to undo what was just done.
  void add(Runnable step) {
    steps.push(step);
  }

  /// Everything worked: nothing is undone.
  void keep() {
    steps.clear();
  }

  @Override
  public void close() {
    for (Runnable step : steps) {
      try {
        step.run();
      } catch (RuntimeException e) {
        LOG.warn("a step could not be undone; the next sweep finishes it", e);
      }
    }
    steps.clear();
  }
}
