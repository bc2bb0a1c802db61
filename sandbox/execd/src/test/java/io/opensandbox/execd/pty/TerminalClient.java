package io.opensandbox.execd.pty;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;

/// A client of `/pty/{id}/ws` that keeps everything it gets.
final class TerminalClient implements WebSocket.Listener, AutoCloseable {
  private static final long WAIT_MILLIS = 60_000;

  private final HttpClient http = HttpClient.newHttpClient();
  private final ByteArrayOutputStream message = new ByteArrayOutputStream();
  private final StringBuilder text = new StringBuilder();

  // Guarded by this.
  private final ByteArrayOutputStream stdout = new ByteArrayOutputStream();
  private final ByteArrayOutputStream stderr = new ByteArrayOutputStream();
  private final List<String> texts = new ArrayList<>();
  private String replay = "";
  private String closeReason = "";

  private final CompletableFuture<WebSocket> socket = new CompletableFuture<>();

  static TerminalClient connect(int port, String path) {
    var client = new TerminalClient();
    URI uri = URI.create("ws://127.0.0.1:" + port + path);
    client.socket.complete(client.http.newWebSocketBuilder().buildAsync(uri, client).join());
    return client;
  }

  /// The status with which a handshake is refused.
  static int status(int port, String path) {
    try {
      connect(port, path).close();
      return 101;
    } catch (CompletionException e) {
      if (e.getCause() instanceof WebSocketHandshakeException refused) {
        return refused.getResponse().statusCode();
      }
      throw e;
    }
  }

  void sendText(String json) {
    socket.join().sendText(json, true).join();
  }

  void sendInput(String input) {
    byte[] bytes = input.getBytes(StandardCharsets.UTF_8);
    sendBinary(ByteBuffer.allocate(1 + bytes.length).put((byte) 0).put(bytes).array());
  }

  void sendBinary(byte[] bytes) {
    socket.join().sendBinary(ByteBuffer.wrap(bytes), true).join();
  }

  synchronized String stdout() {
    return stdout.toString(StandardCharsets.UTF_8);
  }

  synchronized String stderr() {
    return stderr.toString(StandardCharsets.UTF_8);
  }

  synchronized List<String> texts() {
    return List.copyOf(texts);
  }

  /// The offset, a blank and the bytes of the replay frame; empty without one.
  synchronized String replay() {
    return replay;
  }

  synchronized String closeReason() {
    return closeReason;
  }

  void awaitStdout(String part) throws InterruptedException {
    await(() -> stdout().contains(part), part);
  }

  void awaitText(String part) throws InterruptedException {
    await(() -> texts().stream().anyMatch(one -> one.contains(part)), part);
  }

  void awaitClose() throws InterruptedException {
    await(() -> !closeReason().isEmpty(), "close");
  }

  private synchronized void await(BooleanSupplier condition, String what)
      throws InterruptedException {
    long deadline = System.nanoTime() + WAIT_MILLIS * 1_000_000;
    while (!condition.getAsBoolean()) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0 || !closeReason.isEmpty()) {
        throw new AssertionError(
            "no " + what + " in " + stdout() + texts + " closed: " + closeReason);
      }
      wait(left);
    }
  }

  @Override
  public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
    text.append(data);
    if (last) {
      synchronized (this) {
        texts.add(text.toString());
        notifyAll();
      }
      text.setLength(0);
    }
    webSocket.request(1);
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletionStage<?> onBinary(WebSocket webSocket, ByteBuffer data, boolean last) {
    var bytes = new byte[data.remaining()];
    data.get(bytes);
    message.writeBytes(bytes);
    if (last) {
      take(message.toByteArray());
      message.reset();
    }
    webSocket.request(1);
    return CompletableFuture.completedFuture(null);
  }

  private synchronized void take(byte[] frame) {
    switch (frame[0]) {
      case 1 -> stdout.write(frame, 1, frame.length - 1);
      case 2 -> stderr.write(frame, 1, frame.length - 1);
      case 3 ->
          replay =
              ByteBuffer.wrap(frame, 1, 8).getLong()
                  + " "
                  + new String(frame, 9, frame.length - 9, StandardCharsets.UTF_8);
      default -> throw new AssertionError("channel " + frame[0]);
    }
    notifyAll();
  }

  @Override
  public CompletionStage<?> onClose(WebSocket webSocket, int statusCode, String reason) {
    closed(statusCode + " " + reason);
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void onError(WebSocket webSocket, Throwable error) {
    closed("error " + error);
  }

  private synchronized void closed(String reason) {
    closeReason = reason;
    notifyAll();
  }

  @Override
  public void close() {
    if (socket.isDone()) {
      socket.join().abort();
    }
    http.shutdownNow();
  }
}
