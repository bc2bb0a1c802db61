package io.opensandbox.execd.process;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/// Starts processes through the launcher's broker, one connection each.
public final class BrokerSpawner implements Spawner {
  /// What the broker takes in one frame.
  private static final int MAX_FRAME_BYTES = 8 << 20;

  /// A pid, a signal and who gets it.
  private static final int NOTIFY_BYTES = 9;

  /// More than Linux allows a pid to be.
  private static final int NOBODY = Integer.MAX_VALUE;

  private final UnixDomainSocketAddress broker;
  private final int oomScoreAdjust;

  /// Whether the broker numbers processes as we do.
  private final boolean samePids;

  /// @param socket the broker's socket
  /// @param oomScoreAdjust for every process started, so that a greedy one dies before execd does
  public BrokerSpawner(Path socket, int oomScoreAdjust) {
    this(socket, oomScoreAdjust, true);
  }

  private BrokerSpawner(Path socket, int oomScoreAdjust, boolean samePids) {
    this.broker = UnixDomainSocketAddress.of(socket);
    this.oomScoreAdjust = oomScoreAdjust;
    this.samePids = samePids;
  }

  /// Starts processes through a broker that runs in a pid namespace of its own, whose numbers mean
  /// nothing here: only the broker signals them.
  public static BrokerSpawner inNamespace(Path socket, int oomScoreAdjust) {
    return new BrokerSpawner(socket, oomScoreAdjust, false);
  }

  @Override
  public RunningProcess start(ProcessSpec spec) throws SpawnException {
    byte[] payload = SpawnFrame.encode(spec, oomScoreAdjust);
    if (payload.length > MAX_FRAME_BYTES) {
      throw new SpawnException("arguments and environment are larger than 8 MiB");
    }
    SocketChannel channel = connect();
    var process = new BrokerProcess(this, channel, samePids);
    try {
      process.send('S', payload, 0, payload.length);
    } catch (IOException e) {
      process.close();
      throw new SpawnException("cannot ask the process broker: " + e.getMessage(), e);
    }
    return process;
  }

  /// Signals a process that one of the other connections has started, and returns when that is
  /// done. Nothing happens when its leader has ended.
  void signal(long pid, Signal signal, SignalTarget target) throws IOException {
    ByteBuffer frame =
        ByteBuffer.allocate(FrameReader.HEADER_BYTES + NOTIFY_BYTES)
            .put((byte) 'N')
            .putInt(NOTIFY_BYTES)
            .putInt((int) pid)
            .putInt(signal.number())
            .put((byte) target.wire())
            .flip();
    try (SocketChannel channel = connect()) {
      while (frame.hasRemaining()) {
        channel.write(frame);
      }
      channel.read(ByteBuffer.allocate(1)); // the end: the broker has done it
    }
  }

  /// Talks to the broker once, so that the first command does not pay for what the JDK sets up with
  /// the first such connection, some 12 ms. Nothing is signalled.
  public void warmUp() {
    try {
      signal(NOBODY, Signal.TERM, SignalTarget.LEADER);
    } catch (IOException _) { // the first command will say it
    }
  }

  private SocketChannel connect() throws SpawnException {
    SocketChannel channel;
    try {
      channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    } catch (IOException e) {
      throw new SpawnException("cannot open a connection to the broker: " + e.getMessage(), e);
    }
    try {
      channel.connect(broker);
      return channel;
    } catch (IOException e) {
      closeQuietly(channel);
      throw new SpawnException("cannot reach the process broker: " + e.getMessage(), e);
    }
  }

  private static void closeQuietly(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException _) { // the failed connect is what is reported
    }
  }
}
