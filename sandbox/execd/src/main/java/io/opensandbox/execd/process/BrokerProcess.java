package io.opensandbox.execd.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// One process behind one broker connection.
final class BrokerProcess implements RunningProcess {
  /// How long after a KILL something may still be dying before the caller is let go.
  private static final Duration KILL_PATIENCE = Duration.ofSeconds(1);

  private final BrokerSpawner broker;
  private final SocketChannel channel;
  private final boolean samePids;
  private final FrameReader frames;
  private final ReentrantLock writing = new ReentrantLock();
  private final CountDownLatch exited = new CountDownLatch(1);
  private volatile long pid;

  /// Whether the connection may be full of input that the process does not take.
  private volatile boolean fed;

  private @Nullable ExitStatus status;

  /// @param samePids whether the broker's numbers of processes are ours, too
  BrokerProcess(BrokerSpawner broker, SocketChannel channel, boolean samePids) {
    this.broker = broker;
    this.channel = channel;
    this.samePids = samePids;
    this.frames = new FrameReader(channel);
  }

  @Override
  public long awaitStart() throws IOException {
    if (pid == 0) {
      started(frames.next());
    }
    return pid;
  }

  @Override
  public ExitStatus drain(OutputHandler handler) throws IOException {
    awaitStart();
    try {
      while (true) {
        if (frames.wouldWait()) {
          handler.idle();
        }
        ExitStatus end = dispatch(frames.next(), handler);
        if (end != null) {
          return end;
        }
      }
    } finally {
      if (!channel.isConnected() || status != null) {
        exited.countDown();
      }
    }
  }

  private @Nullable ExitStatus dispatch(char type, OutputHandler handler) throws IOException {
    ExitStatus end = null;
    switch (type) {
      case 'O' -> handler.stdout(frames.array(), frames.offset(), frames.length());
      case 'R' -> handler.stderr(frames.array(), frames.offset(), frames.length());
      case 'T' -> handler.state(frames.array(), frames.offset(), frames.length());
      case 'D' -> ended(frames.payload());
      case 'Z' -> end = requireEnded();
      default -> throw new IOException("unexpected frame '" + type + "' from the process broker");
    }
    frames.consume();
    return end;
  }

  private void started(char type) throws IOException {
    ByteBuffer payload = frames.payload();
    switch (type) {
      case 'P' -> pid = Integer.toUnsignedLong(payload.getInt());
      case 'X' -> {
        exited.countDown();
        payload.getInt(); // errno; the text names it
        byte[] text = new byte[payload.remaining()];
        payload.get(text);
        throw new SpawnException(new String(text, StandardCharsets.UTF_8));
      }
      default -> throw new IOException("unexpected frame '" + type + "' from the process broker");
    }
    frames.consume();
  }

  private void ended(ByteBuffer payload) {
    int exitCode = payload.getInt();
    int signal = payload.getInt();
    boolean coreDumped = payload.get() != 0;
    status = new ExitStatus(exitCode, signal, coreDumped, payload.getLong());
    exited.countDown();
  }

  private ExitStatus requireEnded() throws IOException {
    if (status == null) {
      throw new IOException("the process broker ended without an exit status");
    }
    return status;
  }

  @Override
  public void signal(Signal signal, SignalTarget target) throws IOException {
    if (pid == 0 || exited.getCount() == 0) {
      return;
    }
    if (fed) { // the frame would wait behind the input
      broker.signal(pid, signal, target);
      return;
    }
    byte[] payload =
        ByteBuffer.allocate(5).putInt(signal.number()).put((byte) target.wire()).array();
    try {
      send('K', payload, 0, payload.length);
    } catch (IOException _) { // closed by the broker: the leader has ended, the news is on its way
    }
  }

  @Override
  public void endGroup(Duration grace) throws IOException {
    long deadline = System.nanoTime() + grace.toNanos();
    signal(Signal.TERM, SignalTarget.GROUP);
    if (!awaitExit(grace)) {
      signal(Signal.KILL, SignalTarget.GROUP);
      awaitExit(KILL_PATIENCE);
    }
    if (!samePids) {
      return;
    }
    // Members that outlived their leader: the broker no longer knows them, the kernel does.
    Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
    new ProcessGroup(pid).end(left, KILL_PATIENCE);
  }

  @Override
  public boolean awaitExit(Duration limit) {
    try {
      return exited.await(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    fed = true;
    for (int done = 0; done < length; ) {
      int part = Math.min(length - done, FrameReader.MAX_PAYLOAD_BYTES);
      send('I', bytes, offset + done, part);
      done += part;
    }
  }

  @Override
  public void closeInput() throws IOException {
    send('E', new byte[0], 0, 0);
  }

  @Override
  public void resize(int rows, int columns) throws IOException {
    byte[] payload =
        ByteBuffer.allocate(4).putShort((short) rows).putShort((short) columns).array();
    send('W', payload, 0, payload.length);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException _) { // nothing can be done about a connection that does not close
    }
    exited.countDown();
  }

  void send(char type, byte[] payload, int offset, int length) throws IOException {
    ByteBuffer frame =
        ByteBuffer.allocate(FrameReader.HEADER_BYTES + length)
            .put((byte) type)
            .putInt(length)
            .put(payload, offset, length)
            .flip();
    writing.lock();
    try {
      while (frame.hasRemaining()) {
        channel.write(frame);
      }
    } finally {
      writing.unlock();
    }
  }
}
