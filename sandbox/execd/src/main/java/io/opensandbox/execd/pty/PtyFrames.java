package io.opensandbox.execd.pty;

import io.opensandbox.execd.http.WebSocketMessage;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.protocol.execd.ExecdException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/// What a client can say.
final class PtyFrames {
  private static final int MAX_SIDE = 0xFFFF;

  private PtyFrames() {}

  /// One message of a client.
  sealed interface Frame {}

  /// Bytes for the process, a part of the array.
  @SuppressWarnings("ArrayRecordComponent") // never compared, only consumed
  record Input(byte[] bytes, int offset) implements Frame {}

  /// A new size of the terminal, both above zero.
  record Resize(int rows, int columns) implements Frame {}

  /// A signal for the process.
  record SignalFrame(Signal signal) implements Frame {}

  /// A sign of life that wants an answer.
  record Ping() implements Frame {}

  /// A type that does not exist.
  record Unknown(String type) implements Frame {}

  /// Nothing that could be understood, or nothing to do.
  record Nothing() implements Frame {}

  /// The connection is over.
  record End() implements Frame {}

  /// Reads a message; never fails.
  static Frame parse(WebSocketMessage message) {
    return switch (message) {
      case WebSocketMessage.Closed _ -> new End();
      case WebSocketMessage.Binary(byte[] bytes) ->
          bytes.length > 1 && bytes[0] == PtyClient.STDIN ? new Input(bytes, 1) : new Nothing();
      case WebSocketMessage.Text(String text) -> parseText(text);
    };
  }

  private static Frame parseText(String text) {
    try {
      JsonObject object = JsonParser.parseObject(text.getBytes(StandardCharsets.UTF_8));
      String type = object.stringOrEmpty("type");
      return switch (type) {
        case "stdin" -> new Input(object.stringOrEmpty("data").getBytes(StandardCharsets.UTF_8), 0);
        case "resize" -> resize(object);
        case "signal" -> signal(object.stringOrEmpty("signal"));
        case "ping" -> new Ping();
        default -> new Unknown(type);
      };
    } catch (ExecdException _) { // malformed JSON is ignored by contract
      return new Nothing();
    }
  }

  private static Frame resize(JsonObject object) {
    long columns = object.integer("cols", 0, MAX_SIDE).orElse(0);
    long rows = object.integer("rows", 0, MAX_SIDE).orElse(0);
    return columns > 0 && rows > 0 ? new Resize((int) rows, (int) columns) : new Nothing();
  }

  private static Frame signal(String name) {
    return switch (name.toUpperCase(Locale.ROOT)) {
      case "SIGINT" -> new SignalFrame(Signal.INT);
      case "SIGTERM" -> new SignalFrame(Signal.TERM);
      case "SIGKILL" -> new SignalFrame(Signal.KILL);
      case "SIGQUIT" -> new SignalFrame(Signal.QUIT);
      case "SIGHUP" -> new SignalFrame(Signal.HUP);
      default -> new Nothing();
    };
  }
}
