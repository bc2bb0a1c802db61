package io.opensandbox.execd.command;

import io.opensandbox.execd.event.EventBuffer;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.event.OutputEvents;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.log.SecretMask;
import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.OutputHandler;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.execd.process.Spawner;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// Starts commands and stays with them to their end, each on a virtual thread of its own.
final class CommandRunner {
  /// Between TERM and KILL when a command's time is up.
  private static final Duration TIMEOUT_GRACE = Duration.ofSeconds(1);

  private static final String ERROR_NAME = "CommandExecError";
  private static final int WAIT_FAILED = 1;

  /// How much of a command's text is logged.
  private static final int LOGGED_CHARS = 1000;

  private final Spawner spawner;
  private final CommandLog log;
  private final Clock clock;
  private final Log messages;

  CommandRunner(Spawner spawner, CommandLog log, Clock clock, Log messages) {
    this.spawner = spawner;
    this.log = log;
    this.clock = clock;
    this.messages = messages;
  }

  /// Begins a foreground command: asks for its process, sends `init` and the first ping while that
  /// starts, and returns. The rest of the stream is written by the command's own thread.
  void runForeground(Command command, Plan plan, EventStream stream) throws IOException {
    long start = System.nanoTime();
    Asked asked = ask(plan);
    try {
      var sink = new ForegroundSink(command, stream, messages::warn);
      var events = new EventBuffer(clock, sink);
      events.init(command.id());
      events.flush();
      Thread.startVirtualThread(() -> foreground(command, plan, asked, start, events, sink));
    } catch (IOException | RuntimeException e) {
      asked.close();
      forget(command);
      throw e;
    }
  }

  private void foreground(
      Command command,
      Plan plan,
      Asked asked,
      long start,
      EventBuffer events,
      ForegroundSink sink) {
    try {
      var output = new OutputEvents(events);
      CommandState end = runToEnd(command, plan, asked, output, () -> {});
      output.finish();
      log.ended(command, end);
      tellEnd(end, (System.nanoTime() - start) / 1_000_000, events);
      sink.expectLast();
      events.flush();
    } catch (IOException | RuntimeException e) {
      messages.warn("command " + command.id() + " lost its output: " + e);
    } finally {
      sink.end();
      forget(command);
    }
  }

  /// Begins a background command: the stream gets `init` and a ping, and its end as soon as the
  /// process runs.
  void runBackground(Command command, Plan plan, EventStream stream) throws IOException {
    var events = new EventBuffer(clock, stream);
    events.init(command.id());
    events.ping();
    events.flush();
    Thread.startVirtualThread(() -> background(command, plan, stream));
  }

  private void background(Command command, Plan plan, EventStream stream) {
    long start = System.nanoTime();
    try {
      var output = new BackgroundOutput(command, messages::warn);
      CommandState end =
          runToEnd(command, plan, ask(plan), output, () -> tellStarted(start, stream));
      log.ended(command, end);
      if (end instanceof CommandState.Failed) {
        tellFailed(end, stream);
      }
    } catch (IOException | RuntimeException e) {
      messages.warn("background command " + command.id() + ": " + e);
    } finally {
      stream.end(new byte[0], 0);
      forget(command);
    }
  }

  private void tellStarted(long start, EventStream stream) {
    endWith(stream, events -> events.complete((System.nanoTime() - start) / 1_000_000));
  }

  private void tellFailed(CommandState end, EventStream stream) {
    endWith(stream, events -> tellEnd(end, 0, events));
  }

  /// Writes the last event of a stream.
  private interface LastEvent {
    void write(EventBuffer events) throws IOException;
  }

  private void endWith(EventStream stream, LastEvent last) {
    try {
      var events = new EventBuffer(clock, stream.last());
      last.write(events);
      events.flush();
    } catch (IOException e) {
      throw new IllegalStateException(e); // a stream drops what it cannot send, it never throws
    }
  }

  private static void tellEnd(CommandState end, long elapsedMillis, EventBuffer events)
      throws IOException {
    if (end instanceof CommandState.Ended(int exitCode, String error, _)) {
      if (error.isEmpty()) {
        events.complete(elapsedMillis);
      } else {
        String value = exitCode == WAIT_FAILED && !isExitText(error) ? error : "" + exitCode;
        events.error(ERROR_NAME, value, List.of(error));
      }
    } else if (end instanceof CommandState.Failed(String error, _)) {
      events.error(ERROR_NAME, error, List.of(error));
    } else {
      throw new IllegalStateException();
    }
  }

  private static boolean isExitText(String error) {
    return error.startsWith("exit status ");
  }

  /// Waits for the process to start and drains it.
  private CommandState runToEnd(
      Command command, Plan plan, Asked asked, OutputHandler output, Runnable onStart)
      throws IOException {
    if (command.isRecorded()) {
      messages.info("command " + command.id() + ": " + shown(command.content()));
    }
    try (RunningProcess process = asked.await()) {
      command.started(process);
      onStart.run();
      feed(process, plan.stdin());
      AtomicBoolean timedOut = limitTime(process, plan.timeout());
      return ended(process.drain(output), timedOut.get());
    } catch (SpawnException e) {
      return new CommandState.Failed(String.valueOf(e.getMessage()), clock.instant());
    } catch (IOException e) {
      return new CommandState.Ended(WAIT_FAILED, String.valueOf(e.getMessage()), clock.instant());
    }
  }

  /// The text of a command as the log may have it.
  private static String shown(String content) {
    String masked = SecretMask.mask(content);
    return masked.length() <= LOGGED_CHARS ? masked : masked.substring(0, LOGGED_CHARS) + "...";
  }

  /// What became of the request for a process.
  private sealed interface Asked {
    /// The process, once it runs.
    ///
    /// @throws SpawnException when there is none
    RunningProcess await() throws IOException;

    /// Ends it, if there is one. For whoever does not await it.
    void close();
  }

  private record Starting(RunningProcess process) implements Asked {
    @Override
    public RunningProcess await() throws IOException {
      try {
        process.awaitStart();
        return process;
      } catch (IOException e) {
        process.close();
        throw e instanceof SpawnException ? e : new SpawnException("the process broker failed", e);
      }
    }

    @Override
    public void close() {
      process.close();
    }
  }

  private record Refused(SpawnException why) implements Asked {
    @Override
    public RunningProcess await() throws SpawnException {
      throw why;
    }

    @Override
    public void close() {} // there is nothing
  }

  private Asked ask(Plan plan) {
    if (plan.spec() == null) {
      return new Refused(new SpawnException(plan.problem()));
    }
    try {
      return new Starting(spawner.start(plan.spec()));
    } catch (SpawnException e) {
      return new Refused(e);
    }
  }

  private CommandState ended(ExitStatus status, boolean timedOut) {
    if (status.success() && !timedOut) {
      return new CommandState.Ended(0, "", clock.instant());
    }
    if (status.success()) { // it caught TERM and left politely, but its time was up
      return new CommandState.Ended(-1, "signal: terminated", clock.instant());
    }
    return new CommandState.Ended(status.exitCode(), status.describe(), clock.instant());
  }

  /// On a thread of its own, since a process need not read its input before it writes.
  private void feed(RunningProcess process, @Nullable String stdin) {
    if (stdin == null) {
      return;
    }
    byte[] bytes = stdin.getBytes(StandardCharsets.UTF_8);
    Thread.startVirtualThread(() -> {
      try {
        process.write(bytes, 0, bytes.length);
        process.closeInput();
      } catch (IOException _) { // the process has ended without reading everything
      }
    });
  }

  private AtomicBoolean limitTime(RunningProcess process, Duration timeout) {
    var timedOut = new AtomicBoolean();
    if (timeout.isPositive()) {
      Thread.startVirtualThread(() -> {
        if (!process.awaitExit(timeout)) {
          timedOut.set(true);
          endGroup(process);
        }
      });
    }
    return timedOut;
  }

  private void endGroup(RunningProcess process) {
    try {
      process.endGroup(TIMEOUT_GRACE);
    } catch (IOException e) {
      messages.warn("cannot end a command whose time is up: " + e.getMessage());
      process.close();
    }
  }

  private void forget(Command command) {
    // Only a fault of ours leaves a command alive here.
    log.ended(command, new CommandState.Failed("internal error", clock.instant()));
    try {
      command.journal().finish();
      log.dropUnrecorded(command);
      log.prune();
    } catch (IOException | RuntimeException e) {
      messages.warn("cannot tidy up after command " + command.id() + ": " + e.getMessage());
    } finally {
      log.finished();
    }
  }
}
