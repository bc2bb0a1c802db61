package io.opensandbox.execd.kernel;

import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.OutputHandler;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.execd.process.SignalTarget;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// A kernel that execd started itself, over ZeroMQ on the sandbox's loopback.
final class DirectConnection implements KernelConnection {
  private final RunningProcess process;
  private final Sockets sockets;
  private final WireCodec codec;
  private final KernelSpec spec;
  private final Path connectionFile;
  private final ProcessWatch watch;
  private final String id = UUID.randomUUID().toString();
  private final AtomicBoolean isClosed = new AtomicBoolean();

  DirectConnection(
      RunningProcess process,
      Sockets sockets,
      WireCodec codec,
      KernelSpec spec,
      Path connectionFile,
      ProcessWatch watch) {
    this.process = process;
    this.sockets = sockets;
    this.codec = codec;
    this.spec = spec;
    this.connectionFile = connectionFile;
    this.watch = watch;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public void start(MessageHandler handler) {
    watch.onEnd(handler);
    receive(Message.Channel.SHELL, sockets.shell, handler);
    receive(Message.Channel.IOPUB, sockets.iopub, handler);
    receive(Message.Channel.CONTROL, sockets.control, handler);
  }

  @Override
  public void send(Request request) throws IOException {
    ZmtpSocket socket =
        request.channel() == Message.Channel.CONTROL ? sockets.control : sockets.shell;
    socket.send(codec.encode(request));
  }

  @Override
  public void interrupt(Requests requests) throws IOException {
    if (spec.interruptByMessage()) {
      send(requests.interrupt());
    } else {
      process.signal(Signal.INT, SignalTarget.GROUP);
    }
  }

  @Override
  public boolean isOpen() {
    return !isClosed.get() && !watch.hasEnded();
  }

  @Override
  public void shutDown(Requests requests, Duration grace) throws IOException {
    send(requests.shutdown());
    process.awaitExit(grace);
  }

  @Override
  public void close() {
    if (!isClosed.compareAndSet(false, true)) {
      return;
    }
    process.close();
    sockets.close();
    try {
      Files.deleteIfExists(connectionFile);
    } catch (IOException _) {
      // It holds a key that died with the kernel; the directory is execd's own.
    }
  }

  private void receive(Message.Channel channel, ZmtpSocket socket, MessageHandler handler) {
    Thread.ofVirtual()
        .name("kernel-" + channel.wire())
        .start(() -> {
          try {
            while (true) {
              handler.message(codec.decode(channel, socket.receive()));
            }
          } catch (IOException e) {
            // A kernel that ends closes its sockets a moment before its process is gone; the
            // process knows the better reason.
            if (!isClosed.get() && !process.awaitExit(Duration.ofMillis(500))) {
              handler.end("the connection to the kernel broke: " + e.getMessage());
            }
          }
        });
  }

  /// The three connections to one kernel.
  record Sockets(ZmtpSocket shell, ZmtpSocket control, ZmtpSocket iopub) implements AutoCloseable {
    @Override
    public void close() {
      for (ZmtpSocket socket : new ZmtpSocket[] {shell, control, iopub}) {
        try {
          socket.close();
        } catch (IOException _) {
          // Closing is all that was wanted.
        }
      }
    }
  }

  /// Drains a kernel's own stdout and stderr, keeps the last lines for the reason of its death, and
  /// tells when it ends.
  static final class ProcessWatch implements OutputHandler {
    private static final int KEPT_CHARACTERS = 2000;

    private final StringBuilder last = new StringBuilder();
    private @Nullable MessageHandler handler;
    private @Nullable String reason;

    @Override
    public void stdout(byte[] buffer, int offset, int length) {
      keep(new String(buffer, offset, length, StandardCharsets.UTF_8));
    }

    @Override
    public void stderr(byte[] buffer, int offset, int length) {
      keep(new String(buffer, offset, length, StandardCharsets.UTF_8));
    }

    synchronized void onEnd(MessageHandler listener) {
      handler = listener;
      if (reason != null) {
        listener.end(reason);
      }
    }

    synchronized boolean hasEnded() {
      return reason != null;
    }

    /// What the kernel wrote last, for a message.
    synchronized String lastWords() {
      return last.toString().strip();
    }

    synchronized void ended(ExitStatus status) {
      reason = "the kernel ended: " + status.describe();
      if (handler != null) {
        handler.end(reason);
      }
    }

    synchronized void lost(IOException cause) {
      reason = "the kernel was lost: " + cause.getMessage();
      if (handler != null) {
        handler.end(reason);
      }
    }

    private synchronized void keep(String text) {
      last.append(text);
      if (last.length() > KEPT_CHARACTERS) {
        last.delete(0, last.length() - KEPT_CHARACTERS);
      }
    }
  }
}
