package io.opensandbox.execd.pty;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// The terminals there are, bounded in number.
public final class PtySessions {
  private static final int MAX_SESSIONS = 1024;

  // Guarded by this.
  private final Map<String, PtySession> sessions = new HashMap<>();

  synchronized void add(PtySession session) {
    if (sessions.size() >= MAX_SESSIONS) {
      throw new ExecdException(
          ErrorCode.OUT_OF_RESOURCES,
          "there are " + MAX_SESSIONS + " pty sessions already; delete some");
    }
    sessions.put(session.id(), session);
  }

  synchronized Optional<PtySession> find(String id) {
    return Optional.ofNullable(sessions.get(id));
  }

  synchronized Optional<PtySession> remove(String id) {
    return Optional.ofNullable(sessions.remove(id));
  }

  /// How many there are.
  public synchronized int size() {
    return sessions.size();
  }
}
