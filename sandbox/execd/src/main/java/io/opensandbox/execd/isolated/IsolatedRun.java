package io.opensandbox.execd.isolated;

import io.opensandbox.execd.event.EventBuffer;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.event.OutputEvents;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.execd.process.SignalTarget;
import io.opensandbox.execd.session.SessionOutput;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/// One run in a session that a client waits for, from the first event to the last.
final class IsolatedRun {
  private static final byte[] NOTHING = {};
  private static final int NO_EXIT_CODE = -1;

  private final IsolatedSessions sessions;
  private final IsolatedSession session;
  private final Work work;
  private final EventStream stream;
  private final Clock clock;

  /// What is to be run.
  record Work(String id, RunRequest request, Duration timeout) {}

  IsolatedRun(
      IsolatedSessions sessions,
      IsolatedSession session,
      Work work,
      EventStream stream,
      Clock clock) {
    this.sessions = sessions;
    this.session = session;
    this.work = work;
    this.stream = stream;
    this.clock = clock;
  }

  /// Sends `init` and begins; the work goes on on a thread of its own.
  ///
  /// @param warnings told about what goes wrong outside of the request
  void begin(Consumer<String> warnings) throws IOException {
    EventBuffer events = new EventBuffer(clock, stream);
    events.init(work.id());
    events.ping();
    events.flush();
    Thread.ofVirtual().name("isolated-" + work.id()).start(() -> runInTurn(warnings));
  }

  private void runInTurn(Consumer<String> warnings) {
    session.turn().lock();
    session.using().readLock().lock();
    session.begin(clock.instant());
    try {
      if (!stream.isBroken()) { // else nobody waits for it any more
        runAndTell();
      }
    } catch (IOException | RuntimeException e) {
      warnings.accept("run in isolated session " + session.id() + " failed: " + e);
    } finally {
      session.end(clock.instant());
      session.using().readLock().unlock();
      session.turn().unlock();
      stream.end(NOTHING, 0);
    }
  }

  private void runAndTell() throws IOException {
    Instant start = clock.instant();
    EventBuffer events = new EventBuffer(clock, stream);
    ProcessSpec spec = work.request().spec(session);
    try (RunningProcess process = session.namespace().spawner().start(spec)) {
      process.awaitStart();
      finish(process, events, start);
    } catch (IOException e) {
      String reason = session.namespace().isAlive() ? e.getMessage() : "the session has ended";
      fail(events, start, "RuntimeError", String.valueOf(reason), String.valueOf(reason));
    }
    events.flush();
  }

  private void finish(RunningProcess process, EventBuffer events, Instant start)
      throws IOException {
    AtomicReference<String> verdict = limit(process);
    stream.onBroken(() -> kill(process));
    SessionOutput output = new SessionOutput(new OutputEvents(events));
    ExitStatus status = process.drain(output);
    if (output.isTooLarge() || !sessions.remember(session, output.state())) {
      output.remark("the shell's state is too large and was not kept");
    }
    output.finish();
    String reason = verdict.get();
    if (reason.isEmpty() && session.exceedsLimit(0)) {
      reason = SessionLimits.TOO_MUCH;
    }
    if (!reason.isEmpty()) {
      fail(events, start, "RuntimeError", reason, reason);
    } else if (status.success()) {
      events.complete(elapsed(start), ending(start, 0));
    } else {
      String code = Integer.toString(status.exitCode());
      events.error("ExitError", code, List.of(status.describe()), ending(start, status.exitCode()));
    }
  }

  private void fail(EventBuffer events, Instant start, String name, String value, String trace)
      throws IOException {
    events.error(name, value, List.of(trace), ending(start, NO_EXIT_CODE));
  }

  private long elapsed(Instant start) {
    return Math.max(0, Duration.between(start, clock.instant()).toMillis());
  }

  /// What the last event says beside what last events of other streams say.
  private JsonWriter ending(Instant start, int exitCode) {
    return new JsonWriter()
        .beginObject()
        .field("run_id", work.id())
        .field("exit_code", exitCode)
        .field("started_at", start.toString())
        .field("finished_at", clock.instant().toString())
        .endObject();
  }

  /// Kills the run when its time is up or the session has written too much.
  ///
  /// @return why it was killed; empty when it was not
  private AtomicReference<String> limit(RunningProcess process) {
    AtomicReference<String> verdict = new AtomicReference<>("");
    Thread.startVirtualThread(() -> {
      String reason = SessionLimits.await(process, session, work.timeout());
      verdict.set(reason);
      if (!reason.isEmpty()) {
        kill(process);
      }
    });
    return verdict;
  }

  /// Kills a run and all in its group.
  static void kill(RunningProcess process) {
    try {
      process.signal(Signal.KILL, SignalTarget.GROUP);
    } catch (IOException _) {
      process.close(); // the broker is gone, and the process with it
    }
  }
}
