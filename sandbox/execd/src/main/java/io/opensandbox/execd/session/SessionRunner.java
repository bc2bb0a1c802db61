package io.opensandbox.execd.session;

import io.opensandbox.execd.event.EventBuffer;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.event.OutputEvents;
import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.execd.process.SignalTarget;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.execd.process.Spawner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Runs texts in sessions, each run on a virtual thread of its own.
public final class SessionRunner {
  private static final Duration TIMEOUT_GRACE = Duration.ofSeconds(1);
  private static final String ERROR_NAME = "CommandExecError";
  private static final byte[] NOTHING = {};

  private final Spawner spawner;
  private final Sessions sessions;
  private final Supplier<Map<String, String>> environment;
  private final Clock clock;
  private final Consumer<String> warnings;

  /// @param environment of the first run of each session
  /// @param warnings told about what goes wrong outside of a request
  public SessionRunner(
      Spawner spawner,
      Sessions sessions,
      Supplier<Map<String, String>> environment,
      Clock clock,
      Consumer<String> warnings) {
    this.spawner = spawner;
    this.sessions = sessions;
    this.environment = environment;
    this.clock = clock;
    this.warnings = warnings;
  }

  /// Begins a run: sends `init` and the first ping and returns.
  void begin(Session session, SessionRun run, EventStream stream) throws IOException {
    var events = new EventBuffer(clock, stream);
    events.init(session.id());
    events.ping();
    events.flush();
    Thread.startVirtualThread(() -> runInTurn(session, run, stream));
  }

  private void runInTurn(Session session, SessionRun run, EventStream stream) {
    session.enter();
    try {
      if (!stream.isBroken()) { // nobody waits for it any more
        runAndTell(session, run, stream);
      }
    } catch (IOException | RuntimeException e) {
      warnings.accept("run in session " + session.id() + " failed: " + e);
    } finally {
      session.end();
      session.leave();
      stream.end(NOTHING, 0);
    }
  }

  private void runAndTell(Session session, SessionRun run, EventStream stream) throws IOException {
    long start = System.nanoTime();
    var events = new EventBuffer(clock, stream);
    try {
      List<String> failure = run(session, run, new SessionOutput(new OutputEvents(events)), stream);
      if (failure.isEmpty()) {
        events.complete((System.nanoTime() - start) / 1_000_000);
      } else {
        events.error(ERROR_NAME, failure.getFirst(), failure.subList(1, failure.size()));
      }
    } catch (IOException e) {
      String reason = String.valueOf(e.getMessage());
      events.error(ERROR_NAME, reason, List.of(reason));
    }
    events.flush();
  }

  /// Runs to the end.
  ///
  /// @return empty for success, else the error's value and its traceback
  private List<String> run(
      Session session, SessionRun run, SessionOutput output, EventStream stream)
      throws IOException {
    try (RunningProcess process = spawner.start(spec(session, run, output))) {
      process.awaitStart();
      if (!session.begin(process)) {
        throw new SpawnException("session " + session.id() + " was deleted");
      }
      AtomicBoolean timedOut = limitTime(process, run.timeout());
      stream.onBroken(() -> kill(process));
      ExitStatus status = process.drain(output);
      remember(session, output);
      output.finish();
      if (timedOut.get()) {
        String limit = "timeout after " + run.timeout().toMillis() + "ms";
        return List.of("-1", status.success() ? "signal: terminated" : status.describe(), limit);
      }
      return status.success()
          ? List.of()
          : List.of(Integer.toString(status.exitCode()), status.describe());
    }
  }

  private void remember(Session session, SessionOutput output) throws IOException {
    if (output.isTooLarge()) {
      output.remark("the session's state is larger than 4 MiB and was not kept");
      return;
    }
    Optional<ShellState> state = output.state();
    if (state.isPresent() && !sessions.remember(session, state.get())) {
      output.remark("the states of all sessions are larger than 12 MiB, this one was not kept");
    }
  }

  private ProcessSpec spec(Session session, SessionRun run, SessionOutput output)
      throws IOException {
    ShellState state = session.state();
    String folder = run.folder().isEmpty() ? existing(session.folder(), output) : run.folder();
    Map<String, String> variables = environment.get();
    return ShellLaunch.find(variables.getOrDefault("PATH", ""))
        .spec(
            new ShellLaunch.Run(
                run.text(),
                state,
                "",
                state == null ? variables : Map.of("PWD", folder),
                folder.isEmpty() ? null : folder,
                null));
  }

  /// The session's folder, or `/` when somebody has removed it since.
  private static String existing(String folder, SessionOutput output) throws IOException {
    if (folder.isEmpty() || Files.isDirectory(Path.of(folder))) {
      return folder;
    }
    output.remark("the working directory \"" + folder + "\" is gone, using \"/\"");
    return "/";
  }

  private AtomicBoolean limitTime(RunningProcess process, Duration timeout) {
    var timedOut = new AtomicBoolean();
    Thread.startVirtualThread(() -> {
      if (!process.awaitExit(timeout)) {
        timedOut.set(true);
        try {
          process.endGroup(TIMEOUT_GRACE);
        } catch (IOException e) {
          warnings.accept("cannot end a run whose time is up: " + e.getMessage());
          process.close();
        }
      }
    });
    return timedOut;
  }

  private void kill(RunningProcess process) {
    try {
      process.signal(Signal.KILL, SignalTarget.GROUP);
    } catch (IOException e) {
      warnings.accept("cannot end a run whose client has left: " + e.getMessage());
      process.close();
    }
  }
}
