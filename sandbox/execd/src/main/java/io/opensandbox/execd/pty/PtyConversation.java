package io.opensandbox.execd.pty;

import java.io.IOException;

/// What a client says, until it says no more.
final class PtyConversation {
  private final PtySession session;
  private final PtyClient client;

  PtyConversation(PtySession session, PtyClient client) {
    this.session = session;
    this.client = client;
  }

  /// Receives and obeys. Returns when the client has left or the process takes no more input.
  void run() throws IOException {
    while (obey(PtyFrames.parse(client.receive()))) {
      // each frame is complete in itself
    }
  }

  private boolean obey(PtyFrames.Frame frame) throws IOException {
    switch (frame) {
      case PtyFrames.End _ -> {
        return false;
      }
      case PtyFrames.Nothing _ -> {}
      case PtyFrames.Ping _ -> client.pong();
      case PtyFrames.Unknown(String type) ->
          client.error("INVALID_FRAME", "unknown frame type \"" + type + "\"");
      case PtyFrames.Input(byte[] bytes, int offset) -> {
        return client.isViewer() || write(bytes, offset);
      }
      case PtyFrames.Resize(int rows, int columns) -> {
        if (!client.isViewer()) {
          session.resize(rows, columns);
        }
      }
      case PtyFrames.SignalFrame(var signal) -> {
        if (!client.isViewer()) {
          session.signal(signal);
        }
      }
    }
    return true;
  }

  private boolean write(byte[] bytes, int offset) throws IOException {
    try {
      session.write(bytes, offset, bytes.length - offset);
      return true;
    } catch (IOException e) {
      client.error("STDIN_WRITE_FAILED", String.valueOf(e.getMessage()));
      return false;
    }
  }
}
