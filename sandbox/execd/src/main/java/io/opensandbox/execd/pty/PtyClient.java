package io.opensandbox.execd.pty;

import io.opensandbox.execd.http.WebSocket;
import io.opensandbox.execd.http.WebSocketMessage;
import io.opensandbox.execd.json.JsonWriter;
import java.io.IOException;
import java.io.InterruptedIOException;
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

  /// How long a client may take to read what was sent last and to answer the close frame.
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);

  /// How long a client whose place is wanted may take.
  private static final Duration EVICTION_LIMIT = Duration.ofMillis(200);

  private final WebSocket socket;
  private final boolean viewer;
  private final CountDownLatch greeted = new CountDownLatch(1);
  private final CountDownLatch gone = new CountDownLatch(1);

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
      } catch (IOException _) { // the receiver learns it as well
        cut();
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
      }
    });
  }

  /// The receiving thread is about to end.
  void leave() {
    gone.countDown();
    greeted.countDown();
  }

  /// Sends the first frames; live output waits behind them.
  void greet(PtySession.Greeting greeting) throws IOException {
    try {
      if (greeting.missed().length > 0) {
        byte[] prefix = ByteBuffer.allocate(9).put(REPLAY).putLong(greeting.offset()).array();
        socket.sendBinary(prefix, greeting.missed(), 0, greeting.missed().length);
      }
      connected(greeting.session(), greeting.terminal());
    } finally {
      greeted.countDown();
    }
  }

  /// Sends live output.
  void output(byte channel, byte[] bytes, int offset, int length) throws IOException {
    awaitGreeting();
    byte[] prefix = {channel};
    for (int done = 0; done < length; done += MAX_FRAME_BYTES) {
      int part = Math.min(MAX_FRAME_BYTES, length - done);
      socket.sendBinary(prefix, bytes, offset + done, part);
    }
  }

  private void awaitGreeting() throws IOException {
    try {
      greeted.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(e.getMessage());
    }
  }

  private void connected(String session, boolean terminal) throws IOException {
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
      awaitGreeting();
      socket.sendText(
          new JsonWriter()
              .beginObject()
              .field("type", "exit")
              .field("exit_code", exitCode)
              .endObject()
              .toBytes());
    } catch (IOException _) { // the connection is over, which is what was to be said
    }
    end("process exited");
  }

  /// Ends the connection in order: what was sent before is still read by the client.
  void end(String reason) {
    end(1000, reason, CLOSE_LIMIT);
  }

  /// Ends the connection because another client takes its place.
  void evict() {
    end(4001, "TAKEN_OVER", EVICTION_LIMIT);
  }

  /// Sends a close frame, on a thread of its own since a client that does not read holds it up, and
  /// cuts the connection when the client has not left by then.
  private void end(int code, String reason, Duration limit) {
    Thread.startVirtualThread(() -> {
      try {
        socket.close(code, reason);
      } catch (IOException _) {
        cut();
      }
    });
    Thread.startVirtualThread(() -> {
      try {
        if (!gone.await(limit.toNanos(), TimeUnit.NANOSECONDS)) {
          cut();
        }
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
      }
    });
  }

  /// Cuts the connection: whoever sends or receives on it fails.
  void cut() {
    socket.abort();
  }
}
