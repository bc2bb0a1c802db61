package io.opensandbox.execd.session;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// The sessions there are, bounded in number and in the size of their states together.
public final class Sessions {
  private static final int MAX_SESSIONS = 1024;

  /// Of one session; the state travels in one request to the broker, which takes 8 MiB.
  static final int MAX_STATE_BYTES = 4 << 20;

  private static final long MAX_ALL_STATES_BYTES = 12 << 20;

  // Guarded by this.
  private final Map<String, Session> sessions = new HashMap<>();
  private long stateBytes;

  synchronized void add(Session session) {
    if (sessions.size() >= MAX_SESSIONS) {
      throw new ExecdException(
          ErrorCode.OUT_OF_RESOURCES,
          "error creating session. there are " + MAX_SESSIONS + " sessions already; delete some");
    }
    sessions.put(session.id(), session);
  }

  synchronized Optional<Session> find(String id) {
    return Optional.ofNullable(sessions.get(id));
  }

  synchronized Optional<Session> remove(String id) {
    Session session = sessions.remove(id);
    if (session != null) {
      stateBytes -= session.stateBytes();
    }
    return Optional.ofNullable(session);
  }

  /// Gives a session its new state.
  ///
  /// @return false when there is no room for it; the session then keeps the one it has
  synchronized boolean remember(Session session, ShellState state) {
    long after = stateBytes - session.stateBytes() + state.size();
    if (after > MAX_ALL_STATES_BYTES) {
      return false;
    }
    if (sessions.containsKey(session.id())) {
      stateBytes += session.replaceState(state);
    }
    return true;
  }

  /// How many there are.
  public synchronized int size() {
    return sessions.size();
  }
}
