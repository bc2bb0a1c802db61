package io.opensandbox.execd.pty;

import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.OutputHandler;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.execd.process.SignalTarget;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One session: at most one process, one holder and some viewers.
final class PtySession implements OutputHandler {
  /// How long a new client waits for a holder that is just being sent something.
  private static final Duration TAKEOVER_LIMIT = Duration.ofSeconds(5);

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
    if (!lockFor(TAKEOVER_LIMIT)) {
      return false;
    }
    try {
      if (holder != null && !takeover) {
        return false;
      }
      if (holder instanceof PtyClient evicted) {
        evicted.end(4001, "TAKEN_OVER");
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
  /// @throws io.opensandbox.execd.process.SpawnException when no process can be started
  boolean attach(Object claim, PtyClient client, boolean wantTerminal, long since)
      throws IOException {
    lock.lock();
    try {
      if (!claim.equals(holder) || deleted) {
        return false;
      }
      RunningProcess started = process == null ? start(wantTerminal) : null;
      greet(client, since);
      holder = client;
      if (started != null) {
        Thread.startVirtualThread(() -> pump(started));
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /// Attaches a client that only watches; it starts nothing.
  ///
  /// @return false when there are too many
  boolean attachViewer(PtyClient client, long since) throws IOException {
    lock.lock();
    try {
      if (viewers.size() >= MAX_VIEWERS || deleted) {
        return false;
      }
      greet(client, since);
      viewers.add(client);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /// Call with the lock held.
  private void greet(PtyClient client, long since) throws IOException {
    byte[] missed = replay.read(since);
    if (missed.length > 0) {
      client.replay(replay.total() - missed.length, missed);
    }
    client.connected(id, process == null || terminal);
  }

  /// Call with the lock held.
  private RunningProcess start(boolean wantTerminal) throws IOException {
    RunningProcess started = shell.start(wantTerminal);
    try {
      started.awaitStart();
    } catch (IOException e) {
      started.close();
      throw e;
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
    lock.lock();
    try {
      process = null;
      for (PtyClient client : clients()) {
        client.exit(exitCode);
      }
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
  }

  @Override
  public void stdout(byte[] buffer, int offset, int length) {
    send(PtyClient.STDOUT, buffer, offset, length);
  }

  @Override
  public void stderr(byte[] buffer, int offset, int length) {
    send(PtyClient.STDERR, buffer, offset, length);
  }

  private void send(byte channel, byte[] buffer, int offset, int length) {
    lock.lock();
    try {
      replay.append(buffer, offset, length);
      for (PtyClient client : clients()) {
        try {
          client.output(channel, buffer, offset, length);
        } catch (IOException _) { // it has gone; the process goes on
          client.cut();
          viewers.remove(client);
          holder = client.equals(holder) ? null : holder;
        }
      }
    } finally {
      lock.unlock();
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
        clients().forEach(client -> client.end(1000, "session deleted"));
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

  private boolean lockFor(Duration limit) {
    try {
      return lock.tryLock(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
