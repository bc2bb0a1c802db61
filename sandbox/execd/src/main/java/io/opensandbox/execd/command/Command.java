package io.opensandbox.execd.command;

import io.opensandbox.execd.process.RunningProcess;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// One command, from its request until it is forgotten. Safe for many threads.
final class Command {
  private static final Duration END_LIMIT = Duration.ofSeconds(1);

  private final String id;
  private final String content;
  private final boolean background;
  private final boolean recorded;
  private final Instant startedAt;
  private final Journal journal;
  private final CountDownLatch decided = new CountDownLatch(1);
  private final CountDownLatch over = new CountDownLatch(1);
  private volatile CommandState state = new CommandState.Starting();
  private volatile @Nullable RunningProcess process;

  /// @param recorded whether anybody is told of it but who asked for it
  Command(
      String id,
      String content,
      boolean background,
      boolean recorded,
      Instant startedAt,
      Journal journal) {
    this.id = id;
    this.content = content;
    this.background = background;
    this.recorded = recorded;
    this.startedAt = startedAt;
    this.journal = journal;
  }

  String id() {
    return id;
  }

  String content() {
    return content;
  }

  boolean isBackground() {
    return background;
  }

  boolean isRecorded() {
    return recorded;
  }

  Instant startedAt() {
    return startedAt;
  }

  Journal journal() {
    return journal;
  }

  CommandState state() {
    return state;
  }

  /// Whether it has not come to its end.
  boolean isAlive() {
    return state instanceof CommandState.Starting || state instanceof CommandState.Running;
  }

  /// Whether clients may see it: a foreground command that could not be started leaves no record,
  /// and some are never recorded.
  boolean isVisible() {
    return recorded && (background || !(state instanceof CommandState.Failed));
  }

  void started(RunningProcess process) {
    this.process = process;
    state = new CommandState.Running();
    decided.countDown();
  }

  /// Sets the final state. What is remembered from here on is small.
  void ended(CommandState end) {
    state = end;
    process = null;
    decided.countDown();
    over.countDown();
  }

  /// Waits until the process runs or could not be started.
  void awaitStart() {
    try {
      decided.await();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /// Ends the process group: TERM, then KILL after `grace`. Returns when it is gone, and the state
  /// tells so unless something that left the group still holds the output.
  ///
  /// @return false when there is nothing to end
  boolean interrupt(Duration grace) throws IOException {
    awaitStart();
    RunningProcess running = process;
    if (running == null) {
      return false;
    }
    running.endGroup(grace);
    try {
      boolean _ = over.await(END_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    return true;
  }
}
