package io.opensandbox.execd.http;

/// What a WebSocket receives.
public sealed interface WebSocketMessage {
  /// A whole text message.
  record Text(String text) implements WebSocketMessage {}

  /// A whole binary message; the array belongs to the receiver.
  @SuppressWarnings("ArrayRecordComponent") // never compared, only consumed
  record Binary(byte[] bytes) implements WebSocketMessage {}

  /// The end: the peer's close frame (1005 when it named no code), already answered.
  record Closed(int code, String reason) implements WebSocketMessage {}
}
