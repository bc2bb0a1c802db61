package io.opensandbox.execd.pty;

import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.OutputHandler;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.execd.process.SignalTarget;
import io.opensandbox.execd.process.SpawnException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One session: at most one process, one holder and some viewers.
final class PtySession implements OutputHandler {
  private static final int MAX_VIEWERS = 16;

  private final String id;
  private final PtyShell shell;
  private final ReplayBuffer replay;
  private final Consumer<String> warnings;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private @Nullable RunningProcess process;
  private boolean terminal;
  private boolean deleted;
  private @Nullable Object holder;
  private final List<PtyClient> viewers = new ArrayList<>();

  PtySession(String id, PtyShell shell, ReplayBuffer replay, Consumer<String> warnings) {
    this.id = id;
    this.shell = shell;
    this.replay = replay;
    this.warnings = warnings;
  }

  String id() {
    return id;
  }

  boolean isRunning() {
    lock.lock();
    try {
      return process != null;
    } finally {
      lock.unlock();
    }
  }

  long outputOffset() {
    lock.lock();
    try {
      return replay.total();
    } finally {
      lock.unlock();
    }
  }

  /// Makes `claim` the holder-to-be.
  ///
  /// @param takeover whether a holder is evicted
  /// @return false when another one holds the session
  boolean reserve(Object claim, boolean takeover) {
    lock.lock();
    try {
      if (holder != null && !takeover) {
        return false;
      }
      if (holder instanceof PtyClient evicted) {
        evicted.evict();
      }
      holder = claim;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /// Gives up a claim or a hold; nothing happens when another one has it by now.
  void release(Object claim) {
    lock.lock();
    try {
      if (claim.equals(holder)) {
        holder = null;
      }
      viewers.remove(claim);
    } finally {
      lock.unlock();
    }
  }

  /// Attaches the client that made the claim: starts a process when none runs, then sends what was
  /// missed and `connected`. From here on the client gets live output.
  ///
  /// @param wantTerminal for a process that is started now
  /// @param since the offset of the first byte that the client has not seen
  /// @return false when the claim was taken over meanwhile
  /// @throws SpawnException when no process can be started
  /// @throws IOException when the client has gone
  boolean attach(Object claim, PtyClient client, boolean wantTerminal, long since)
      throws IOException {
    Greeting greeting;
    lock.lock();
    try {
      if (!claim.equals(holder) || deleted) {
        return false;
      }
      if (process == null) {
        RunningProcess started = start(wantTerminal);
        Thread.startVirtualThread(() -> pump(started));
      }
      greeting = greeting(since);
      holder = client;
    } finally {
      lock.unlock();
    }
    client.greet(greeting);
    return true;
  }

  /// Attaches a client that only watches; it starts nothing.
  ///
  /// @return false when there are too many
  boolean attachViewer(PtyClient client, long since) throws IOException {
    Greeting greeting;
    lock.lock();
    try {
      if (viewers.size() >= MAX_VIEWERS || deleted) {
        return false;
      }
      greeting = greeting(since);
      viewers.add(client);
    } finally {
      lock.unlock();
    }
    client.greet(greeting);
    return true;
  }

  /// What a new client is told first.
  ///
  /// @param offset of the first byte that it has missed
  /// @param terminal whether the process has one
  @SuppressWarnings("ArrayRecordComponent") // never compared, only sent
  record Greeting(String session, long offset, byte[] missed, boolean terminal) {}

  /// Call with the lock held.
  private Greeting greeting(long since) throws IOException {
    byte[] missed = replay.read(since);
    return new Greeting(id, replay.total() - missed.length, missed, process == null || terminal);
  }

  /// Call with the lock held.
  private RunningProcess start(boolean wantTerminal) throws SpawnException {
    RunningProcess started = shell.start(wantTerminal);
    try {
      started.awaitStart();
    } catch (IOException e) {
      started.close();
      throw e instanceof SpawnException spawn
          ? spawn
          : new SpawnException("the process broker failed: " + e.getMessage(), e);
    }
    process = started;
    terminal = wantTerminal;
    return started;
  }

  private void pump(RunningProcess running) {
    int exitCode = -1;
    try (running) {
      ExitStatus status = running.drain(this);
      exitCode = status.exitCode();
    } catch (IOException e) {
      warnings.accept("pty session " + id + " lost its process: " + e.getMessage());
    } finally {
      ended(exitCode);
    }
  }

  private void ended(int exitCode) {
    List<PtyClient> told = List.of();
    lock.lock();
    try {
      process = null;
      told = clients();
      holder = holder instanceof PtyClient ? null : holder;
      viewers.clear();
      if (deleted) {
        replay.close();
      }
    } catch (IOException e) {
      warnings.accept("cannot delete the replay of pty session " + id + ": " + e.getMessage());
    } finally {
      lock.unlock();
    }
    told.forEach(client -> client.exit(exitCode));
  }

  @Override
  public void stdout(byte[] buffer, int offset, int length) {
    send(PtyClient.STDOUT, buffer, offset, length);
  }

  @Override
  public void stderr(byte[] buffer, int offset, int length) {
    send(PtyClient.STDERR, buffer, offset, length);
  }

  /// On the pump's thread, so that each client gets everything in order. Whoever attaches later
  /// finds these bytes in the replay.
  private void send(byte channel, byte[] buffer, int offset, int length) {
    List<PtyClient> receivers;
    lock.lock();
    try {
      replay.append(buffer, offset, length);
      receivers = clients();
    } finally {
      lock.unlock();
    }
    for (PtyClient client : receivers) {
      try {
        client.output(channel, buffer, offset, length);
      } catch (IOException _) { // it has gone; the process goes on
        client.cut();
        release(client);
      }
    }
  }

  /// Call with the lock held.
  private List<PtyClient> clients() {
    List<PtyClient> clients = new ArrayList<>(viewers);
    if (holder instanceof PtyClient client) {
      clients.add(client);
    }
    return clients;
  }

  /// Feeds the process.
  ///
  /// @throws IOException when there is no process
  void write(byte[] bytes, int offset, int length) throws IOException {
    RunningProcess running = current();
    if (running == null) {
      throw new IOException("the process has ended");
    }
    running.write(bytes, offset, length);
  }

  void resize(int rows, int columns) throws IOException {
    RunningProcess running = current();
    if (running != null && isTerminal()) {
      running.resize(rows, columns);
    }
  }

  /// Signals the job in the foreground of the terminal; the shell's group without one.
  void signal(Signal signal) throws IOException {
    RunningProcess running = current();
    if (running != null) {
      running.signal(signal, SignalTarget.FOREGROUND);
    }
  }

  /// Kills the process and ends all connections.
  void delete() throws IOException {
    RunningProcess running = current();
    if (running != null) {
      running.signal(Signal.KILL, SignalTarget.GROUP); // the pump tells the clients
    }
    lock.lock();
    try {
      deleted = true;
      if (process == null) {
        clients().forEach(client -> client.end("session deleted"));
        replay.close();
      }
    } finally {
      lock.unlock();
    }
  }

  private @Nullable RunningProcess current() {
    lock.lock();
    try {
      return process;
    } finally {
      lock.unlock();
    }
  }

  private boolean isTerminal() {
    lock.lock();
    try {
      return terminal;
    } finally {
      lock.unlock();
    }
  }
}
