package io.opensandbox.execd.kernel;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// One ZeroMQ connection, client side: ZMTP 3.0 with the NULL mechanism (rfc.zeromq.org/spec/23).
///
/// Enough of ZeroMQ to talk to one kernel: a single peer, no reconnect, no queues. One thread
/// receives; any thread may send. Closing it from another thread ends a blocked receive.
final class ZmtpSocket implements AutoCloseable {
  /// What is kept of a frame beyond [Execution#MAX_PIECE_BYTES].
  static final int KEPT_BYTES = 1024 * 1024;

  private static final int MAX_FRAMES = 64;
  private static final int GREETING_BYTES = 64;
  private static final int FLAG_MORE = 1;
  private static final int FLAG_LONG = 2;
  private static final int FLAG_COMMAND = 4;

  private final SocketChannel channel;
  private final DataInputStream in;

  private ZmtpSocket(SocketChannel channel, DataInputStream in) {
    this.channel = channel;
    this.in = in;
  }

  /// Shakes hands on a connected channel, which the socket owns from then on.
  ///
  /// @param type the socket type to announce: `DEALER`, `SUB`, `REQ`
  /// @throws IOException also when the peer has not answered after `limit`
  static ZmtpSocket open(SocketChannel channel, String type, Duration limit) throws IOException {
    CountDownLatch done = new CountDownLatch(1);
    Thread.ofVirtual().name("zmtp-handshake").start(() -> closeUnless(done, limit, channel));
    try {
      InputStream stream = new BufferedInputStream(Channels.newInputStream(channel), 16 * 1024);
      ZmtpSocket socket = new ZmtpSocket(channel, new DataInputStream(stream));
      socket.greet();
      socket.write(new Frame(FLAG_COMMAND, ready(type), false));
      socket.awaitReady();
      return socket;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    } finally {
      done.countDown();
    }
  }

  /// Whoever listens where a kernel should may never say anything.
  private static void closeUnless(CountDownLatch done, Duration limit, SocketChannel channel) {
    try {
      if (!done.await(limit.toNanos(), TimeUnit.NANOSECONDS)) {
        channel.close();
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (IOException _) {
      // The reader sees that the channel is closed all the same.
    }
  }

  /// Sends a message of one or more frames, whole.
  void send(List<byte[]> frames) throws IOException {
    Frame[] all = new Frame[frames.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = new Frame(i + 1 < all.length ? FLAG_MORE : 0, frames.get(i), false);
    }
    write(all);
  }

  /// Subscribes to everything; for a `SUB` socket.
  void subscribeToAll() throws IOException {
    send(List.of(new byte[] {1}));
  }

  /// The next message; blocks.
  ///
  /// @throws EOFException when the peer has closed
  Frames receive() throws IOException {
    List<byte[]> frames = new ArrayList<>();
    boolean isCut = false;
    while (true) {
      Frame frame = read();
      if ((frame.flags & FLAG_COMMAND) != 0) {
        answerPing(frame.body);
        continue;
      }
      if (frames.size() == MAX_FRAMES) {
        throw new IOException("the kernel sent a message of more than " + MAX_FRAMES + " frames");
      }
      frames.add(frame.body);
      isCut |= frame.isCut;
      if ((frame.flags & FLAG_MORE) == 0) {
        return new Frames(frames, isCut);
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private void greet() throws IOException {
    byte[] greeting = new byte[GREETING_BYTES];
    greeting[0] = (byte) 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    byte[] mechanism = "NULL".getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(mechanism, 0, greeting, 12, mechanism.length);
    writeFully(ByteBuffer.wrap(greeting));
    byte[] theirs = new byte[GREETING_BYTES];
    in.readFully(theirs);
    if (theirs[0] != (byte) 0xff || theirs[9] != 0x7f || theirs[10] < 3) {
      throw new IOException("the peer does not speak ZMTP 3");
    }
    if (!Arrays.equals(theirs, 12, 32, greeting, 12, 32)) {
      throw new IOException("the peer asks for a ZMTP security mechanism other than NULL");
    }
  }

  private void awaitReady() throws IOException {
    Frame frame = read();
    if ((frame.flags & FLAG_COMMAND) == 0 || !isCommand(frame.body, "READY")) {
      throw new IOException("the peer refused the ZMTP handshake");
    }
  }

  private static byte[] ready(String type) {
    byte[] socketType = type.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer body = ByteBuffer.allocate(64);
    body.put((byte) 5).put("READY".getBytes(StandardCharsets.US_ASCII));
    body.put((byte) 11).put("Socket-Type".getBytes(StandardCharsets.US_ASCII));
    body.putInt(socketType.length).put(socketType);
    body.put((byte) 8).put("Identity".getBytes(StandardCharsets.US_ASCII)).putInt(0);
    return Arrays.copyOf(body.array(), body.position());
  }

  /// ZMTP 3.1 peers may send PING; the answer is PONG with the ping's context.
  private void answerPing(byte[] command) throws IOException {
    if (!isCommand(command, "PING") || command.length < 7) {
      return;
    }
    byte[] context = Arrays.copyOfRange(command, 7, command.length);
    ByteBuffer pong = ByteBuffer.allocate(5 + context.length);
    pong.put((byte) 4).put("PONG".getBytes(StandardCharsets.US_ASCII)).put(context);
    write(new Frame(FLAG_COMMAND, pong.array(), false));
  }

  private static boolean isCommand(byte[] body, String name) {
    byte[] expected = name.getBytes(StandardCharsets.US_ASCII);
    return body.length > expected.length
        && body[0] == expected.length
        && Arrays.equals(body, 1, 1 + expected.length, expected, 0, expected.length);
  }

  private Frame read() throws IOException {
    int flags = in.readUnsignedByte();
    long length = (flags & FLAG_LONG) != 0 ? in.readLong() : in.readUnsignedByte();
    if (length < 0) {
      throw new IOException("the kernel sent a frame of negative length");
    }
    if (length > Execution.MAX_PIECE_BYTES) {
      byte[] beginning = in.readNBytes(KEPT_BYTES);
      in.skipNBytes(length - KEPT_BYTES);
      return new Frame(flags, beginning, true);
    }
    byte[] body = in.readNBytes((int) length);
    if (body.length < length) {
      throw new EOFException("the kernel closed the connection in the middle of a frame");
    }
    return new Frame(flags, body, false);
  }

  private void write(Frame... frames) throws IOException {
    int size = 0;
    for (Frame frame : frames) {
      size += 9 + frame.body.length;
    }
    ByteBuffer buffer = ByteBuffer.allocate(size);
    for (Frame frame : frames) {
      boolean isLong = frame.body.length > 255;
      buffer.put((byte) (frame.flags | (isLong ? FLAG_LONG : 0)));
      if (isLong) {
        buffer.putLong(frame.body.length);
      } else {
        buffer.put((byte) frame.body.length);
      }
      buffer.put(frame.body);
    }
    writeFully(buffer.flip());
  }

  private synchronized void writeFully(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /// A message as it was received.
  ///
  /// @param parts its frames
  /// @param isCut whether of a frame that was too large only the beginning is there
  record Frames(List<byte[]> parts, boolean isCut) {}

  @SuppressWarnings("ArrayRecordComponent") // never compared, and a copy of each frame is a waste
  private record Frame(int flags, byte[] body, boolean isCut) {}
}
