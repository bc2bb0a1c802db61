package io.opensandbox.execd.pty;

import io.opensandbox.execd.http.WebSocket;
import io.opensandbox.execd.http.WebSocketMessage;
import io.opensandbox.execd.json.JsonWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// One connected client. Frames to it are sent by any thread; its own thread receives.
final class PtyClient {
  static final byte STDIN = 0;
  static final byte STDOUT = 1;
  static final byte STDERR = 2;
  private static final byte REPLAY = 3;

  private static final int MAX_FRAME_BYTES = 32 << 10;
  private static final Duration PING_INTERVAL = Duration.ofSeconds(30);

  /// How long a client may take to answer a close frame.
  private static final Duration CLOSE_LIMIT = Duration.ofMillis(200);

  private final WebSocket socket;
  private final boolean viewer;
  private final Thread receiver = Thread.currentThread();
  private final CountDownLatch gone = new CountDownLatch(1);

  /// Call on the thread that will receive.
  PtyClient(WebSocket socket, boolean viewer) {
    this.socket = socket;
    this.viewer = viewer;
  }

  boolean isViewer() {
    return viewer;
  }

  /// Keeps the connection alive until [#leave].
  void startPings() {
    Thread.startVirtualThread(() -> {
      try {
        while (!gone.await(PING_INTERVAL.toNanos(), TimeUnit.NANOSECONDS)) {
          socket.sendPing();
        }
      } catch (IOException _) { // the receiver notices as well
        receiver.interrupt();
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
      }
    });
  }

  /// The receiving thread is about to end.
  void leave() {
    gone.countDown();
  }

  void output(byte channel, byte[] bytes, int offset, int length) throws IOException {
    byte[] prefix = {channel};
    for (int done = 0; done < length; done += MAX_FRAME_BYTES) {
      int part = Math.min(MAX_FRAME_BYTES, length - done);
      socket.sendBinary(prefix, bytes, offset + done, part);
    }
  }

  void replay(long offset, byte[] bytes) throws IOException {
    byte[] prefix = ByteBuffer.allocate(9).put(REPLAY).putLong(offset).array();
    socket.sendBinary(prefix, bytes, 0, bytes.length);
  }

  void connected(String session, boolean terminal) throws IOException {
    socket.sendText(
        new JsonWriter()
            .beginObject()
            .field("type", "connected")
            .field("session_id", session)
            .field("mode", terminal ? "pty" : "pipe")
            .endObject()
            .toBytes());
  }

  /// Waits for what the client says next. On the receiving thread.
  WebSocketMessage receive() throws IOException {
    return socket.receive();
  }

  void pong() throws IOException {
    socket.sendText("{\"type\":\"pong\"}");
  }

  void error(String code, String message) throws IOException {
    socket.sendText(
        new JsonWriter()
            .beginObject()
            .field("type", "error")
            .field("error", message)
            .field("code", code)
            .endObject()
            .toBytes());
  }

  /// Tells that the process has ended, and ends the connection.
  void exit(int exitCode) {
    try {
      socket.sendText(
          new JsonWriter()
              .beginObject()
              .field("type", "exit")
              .field("exit_code", exitCode)
              .endObject()
              .toBytes());
    } catch (IOException _) { // the connection is over, which is what was to be said
    }
    end(1000, "process exited");
  }

  /// Sends a close frame and cuts the connection when the client does not answer it.
  void end(int code, String reason) {
    Thread.startVirtualThread(() -> {
      try {
        socket.close(code, reason);
        if (gone.await(CLOSE_LIMIT.toNanos(), TimeUnit.NANOSECONDS)) {
          return;
        }
      } catch (IOException _) { // cut below
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
      }
      receiver.interrupt();
    });
  }

  /// Cuts the connection.
  void cut() {
    receiver.interrupt();
  }
}
