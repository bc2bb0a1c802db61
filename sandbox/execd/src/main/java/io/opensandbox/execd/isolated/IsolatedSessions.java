package io.opensandbox.execd.isolated;

import io.opensandbox.execd.session.ShellState;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// All isolated sessions. One thread removes those that nobody has used for their idle time; there
/// is none while there are no sessions.
final class IsolatedSessions implements AutoCloseable {
  private static final int MAX_SESSIONS = 256;

  /// Of what the shells of all sessions remember, together.
  private static final long MAX_STATE_BYTES = 8 << 20;

  private static final Duration LONGEST_WAIT = Duration.ofMinutes(1);

  private final Clock clock;
  private final Consumer<String> warnings;

  /// Guarded by this.
  private final Map<String, IsolatedSession> sessions = new LinkedHashMap<>();

  IsolatedSessions(Clock clock, Consumer<String> warnings) {
    this.clock = clock;
    this.warnings = warnings;
  }

  synchronized void requireRoom() {
    if (sessions.size() >= MAX_SESSIONS) {
      throw new ExecdException(
          ErrorCode.OUT_OF_RESOURCES,
          "there are " + MAX_SESSIONS + " isolated sessions already; delete one");
    }
  }

  synchronized void add(IsolatedSession session) {
    sessions.put(session.id(), session);
    if (sessions.size() == 1) {
      Thread.ofVirtual().name("isolated-idle").start(this::removeIdle);
    } else {
      notifyAll();
    }
  }

  /// Gives a session's shell what its run has left, if it has left anything.
  ///
  /// @return false when there is no room for it
  synchronized boolean remember(IsolatedSession session, Optional<ShellState> state) {
    if (state.isEmpty()) {
      return true;
    }
    long others =
        sessions.values().stream().mapToLong(IsolatedSession::stateBytes).sum()
            - session.stateBytes();
    if (others + state.get().size() > MAX_STATE_BYTES) {
      return false;
    }
    session.remember(state.get());
    return true;
  }

  synchronized List<IsolatedSession> all() {
    return List.copyOf(sessions.values());
  }

  synchronized boolean isEmpty() {
    return sessions.isEmpty();
  }

  synchronized IsolatedSession find(String id) {
    IsolatedSession session = sessions.get(id);
    if (session == null) {
      throw new ExecdException(
          ErrorCode.SESSION_NOT_FOUND, "isolated session " + id + " not found");
    }
    return session;
  }

  /// Removes a session and everything of it, but for changes that are to be kept; of a session that
  /// has ended before, those too.
  void remove(String id) throws IOException {
    if (find(id).endAndKeep(clock.instant())) {
      synchronized (this) {
        notifyAll();
      }
      return;
    }
    IsolatedSession session;
    synchronized (this) {
      session = find(id);
      sessions.remove(id);
      notifyAll();
    }
    session.destroy();
  }

  /// Ends all sessions.
  @Override
  public void close() {
    for (IsolatedSession session : all()) {
      if (!session.isDestroyed()) {
        removeQuietly(session.id());
      }
    }
  }

  private void removeIdle() {
    try {
      for (List<String> due = awaitDue(); !due.isEmpty(); due = awaitDue()) {
        due.forEach(this::removeQuietly);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void removeQuietly(String id) {
    try {
      remove(id);
    } catch (ExecdException _) {
      // Somebody else removed it first.
    } catch (IOException e) {
      warnings.accept("cannot remove the files of isolated session " + id + ": " + e.getMessage());
    }
  }

  /// The sessions whose time is up; empty when there are no sessions any more.
  private synchronized List<String> awaitDue() throws InterruptedException {
    List<String> due = new ArrayList<>();
    while (!sessions.isEmpty() && due.isEmpty()) {
      Instant now = clock.instant();
      Duration wait = LONGEST_WAIT;
      for (IsolatedSession session : sessions.values()) {
        Duration left = session.timeLeft(now).orElse(LONGEST_WAIT);
        if (!left.isPositive()) {
          due.add(session.id());
        } else if (left.compareTo(wait) < 0) {
          wait = left;
        }
      }
      if (due.isEmpty()) {
        TimeUnit.NANOSECONDS.timedWait(this, Math.max(1_000_000, wait.toNanos()));
      }
    }
    return due;
  }
}
