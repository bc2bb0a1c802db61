package io.opensandbox.execd.http;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The server's end of a WebSocket (RFC 6455, no extensions).
///
/// One thread receives; any thread may send, each frame goes out whole. A peer that breaks the
/// protocol is closed with the code that the RFC names.
public final class WebSocket implements AutoCloseable {
  /// Larger messages are refused with close code 1009.
  public static final int MAX_MESSAGE_BYTES = 16 << 20;

  private static final int CONTINUATION = 0;
  private static final int TEXT = 1;
  private static final int BINARY = 2;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;
  private static final int FIN = 0x80;
  private static final int MASKED = 0x80;
  private static final int MAX_CONTROL_BYTES = 125;
  private static final int PIECE_BYTES = 64 * 1024;
  private static final int NO_CODE = 1005;
  private static final int PROTOCOL_ERROR = 1002;
  private static final int INVALID_PAYLOAD = 1007;
  private static final int TOO_BIG = 1009;
  private static final byte[] NOTHING = {};

  private final Connection connection;
  private final Object sending = new Object();

  /// Guarded by `sending`.
  private boolean closeSent;

  private volatile @Nullable Duration readTimeout;
  private volatile @Nullable Duration writeTimeout;

  WebSocket(Connection connection) {
    this.connection = connection;
  }

  /// Ends the connection when nothing at all (not even a pong) arrives for this long, or a frame
  /// cannot be sent in this long. The check runs once a second.
  ///
  /// @param read null for no limit
  /// @param write null for no limit
  public void limit(@Nullable Duration read, @Nullable Duration write) {
    readTimeout = read;
    writeTimeout = write;
  }

  /// Waits for the next message, answering pings meanwhile.
  ///
  /// @throws IOException when the connection ends without a close frame or a time limit is over
  public WebSocketMessage receive() throws IOException {
    try {
      return receiveMessage();
    } catch (Violation violation) {
      close(violation.code, violation.reason);
      return new WebSocketMessage.Closed(violation.code, violation.reason);
    }
  }

  private WebSocketMessage receiveMessage() throws IOException, Violation {
    byte[] collected = NOTHING;
    int kind = -1;
    while (true) {
      connection.limitReading(readTimeout);
      Frame frame = readFrame(MAX_MESSAGE_BYTES - collected.length);
      switch (frame.opcode) {
        case PING -> send(PONG, NOTHING, frame.payload, 0, frame.payload.length);
        case PONG -> {}
        case CLOSE -> {
          return closed(frame.payload);
        }
        default -> {
          kind = kindAfter(kind, frame.opcode);
          collected = collected.length == 0 ? frame.payload : join(collected, frame.payload);
          if (frame.last) {
            return message(kind, collected);
          }
        }
      }
    }
  }

  private static int kindAfter(int kind, int opcode) throws Violation {
    if (opcode == CONTINUATION) {
      if (kind < 0) {
        throw new Violation(PROTOCOL_ERROR, "continuation without a message");
      }
      return kind;
    }
    if (kind >= 0) {
      throw new Violation(PROTOCOL_ERROR, "message inside a message");
    }
    return opcode;
  }

  private static WebSocketMessage message(int kind, byte[] bytes) throws Violation {
    return kind == TEXT
        ? new WebSocketMessage.Text(decode(bytes, 0, bytes.length))
        : new WebSocketMessage.Binary(bytes);
  }

  private WebSocketMessage closed(byte[] payload) throws IOException, Violation {
    if (payload.length == 0) {
      close(1000, "");
      return new WebSocketMessage.Closed(NO_CODE, "");
    }
    if (payload.length == 1) {
      throw new Violation(PROTOCOL_ERROR, "close frame with one byte");
    }
    int code = ((payload[0] & 0xff) << 8) | (payload[1] & 0xff);
    if (!isValidCloseCode(code)) {
      throw new Violation(PROTOCOL_ERROR, "close code that must not be sent");
    }
    String reason = decode(payload, 2, payload.length - 2);
    close(code, "");
    return new WebSocketMessage.Closed(code, reason);
  }

  private static boolean isValidCloseCode(int code) {
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006)
        || (code >= 3000 && code <= 4999);
  }

  private static String decode(byte[] bytes, int offset, int length) throws Violation {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes, offset, length))
          .toString();
    } catch (CharacterCodingException _) {
      throw new Violation(INVALID_PAYLOAD, "text that is not UTF-8");
    }
  }

  private Frame readFrame(int maxPayload) throws IOException, Violation {
    int first = require();
    int second = require();
    int opcode = first & 0x0f;
    boolean control = opcode >= CLOSE;
    if ((first & 0x70) != 0 || opcode > PONG || (opcode > BINARY && opcode < CLOSE)) {
      throw new Violation(PROTOCOL_ERROR, "reserved bits or opcode");
    }
    if ((second & MASKED) == 0) {
      throw new Violation(PROTOCOL_ERROR, "frame without a mask");
    }
    long length = payloadLength(second & 0x7f);
    if (control && (length > MAX_CONTROL_BYTES || (first & FIN) == 0)) {
      throw new Violation(PROTOCOL_ERROR, "control frame too long or fragmented");
    }
    if (!control && length > maxPayload) {
      throw new Violation(TOO_BIG, "message exceeds " + MAX_MESSAGE_BYTES + " bytes");
    }
    byte[] mask = {(byte) require(), (byte) require(), (byte) require(), (byte) require()};
    byte[] payload = readPayload((int) length);
    for (int i = 0; i < payload.length; i++) {
      payload[i] ^= mask[i & 3];
    }
    return new Frame(opcode, (first & FIN) != 0, payload);
  }

  private long payloadLength(int marker) throws IOException, Violation {
    if (marker < 126) {
      return marker;
    }
    int bytes = marker == 126 ? 2 : 8;
    long length = 0;
    for (int i = 0; i < bytes; i++) {
      length = (length << 8) | require();
    }
    boolean minimal = marker == 126 ? length >= 126 : length > 0xffff;
    if (length < 0 || !minimal) {
      throw new Violation(PROTOCOL_ERROR, "malformed frame length");
    }
    return length;
  }

  /// Grows with what arrives, so that an announced length alone costs no memory.
  private byte[] readPayload(int length) throws IOException {
    byte[] payload = new byte[Math.min(length, PIECE_BYTES)];
    int size = 0;
    while (size < length) {
      if (size == payload.length) {
        payload = Arrays.copyOf(payload, (int) Math.min(length, 2L * payload.length));
      }
      int count = connection.read(payload, size, payload.length - size);
      if (count < 0) {
        throw new EOFException("connection closed inside a WebSocket frame");
      }
      size += count;
    }
    return payload;
  }

  private int require() throws IOException {
    int b = connection.read();
    if (b < 0) {
      throw new EOFException("connection closed without a WebSocket close frame");
    }
    return b;
  }

  private static byte[] join(byte[] first, byte[] second) {
    byte[] joined = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, joined, first.length, second.length);
    return joined;
  }

  /// Sends a text message.
  public void sendText(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    send(TEXT, NOTHING, bytes, 0, bytes.length);
  }

  /// Sends a text message given as UTF-8.
  public void sendText(byte[] utf8) throws IOException {
    send(TEXT, NOTHING, utf8, 0, utf8.length);
  }

  /// Sends a binary message.
  public void sendBinary(byte[] bytes, int offset, int length) throws IOException {
    send(BINARY, NOTHING, bytes, offset, length);
  }

  /// Sends a binary message made of a prefix and a part of an array, without joining them first.
  public void sendBinary(byte[] prefix, byte[] bytes, int offset, int length) throws IOException {
    send(BINARY, prefix, bytes, offset, length);
  }

  /// Sends a ping; the pong is taken by [#receive].
  public void sendPing() throws IOException {
    send(PING, NOTHING, NOTHING, 0, 0);
  }

  /// Sends a close frame unless one was sent; nothing can be sent after it. The peer's own close
  /// frame still comes out of [#receive].
  ///
  /// @param reason at most 123 bytes of UTF-8 are sent
  public void close(int code, String reason) throws IOException {
    byte[] text = reason.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(text.length, MAX_CONTROL_BYTES - 2);
    while (length < text.length && length > 0 && (text[length] & 0xc0) == 0x80) {
      length--;
    }
    byte[] codeBytes = {(byte) (code >> 8), (byte) code};
    synchronized (sending) {
      if (closeSent) {
        return;
      }
      send(CLOSE, codeBytes, text, 0, length);
      closeSent = true;
    }
  }

  /// Cuts the connection without a close frame. Any thread may do so; sending and receiving fail.
  public void abort() {
    connection.close();
  }

  /// Closes with 1000, without waiting for the peer.
  @Override
  public void close() throws IOException {
    close(1000, "");
  }

  private void send(int opcode, byte[] prefix, byte[] bytes, int offset, int length)
      throws IOException {
    ByteBuffer head = frameHead(opcode, prefix, prefix.length + (long) length);
    synchronized (sending) {
      if (closeSent) {
        if (opcode == PONG) {
          return;
        }
        throw new IOException("the WebSocket has been closed");
      }
      connection.limitWriting(writeTimeout);
      try {
        if (length <= PIECE_BYTES) {
          connection.write(new ByteBuffer[] {head, ByteBuffer.wrap(bytes, offset, length)});
        } else {
          connection.write(head);
          connection.write(bytes, offset, length);
        }
      } finally {
        connection.limitWriting(null);
      }
    }
  }

  private static ByteBuffer frameHead(int opcode, byte[] prefix, long length) {
    ByteBuffer head = ByteBuffer.allocate(10 + prefix.length).order(ByteOrder.BIG_ENDIAN);
    head.put((byte) (FIN | opcode));
    if (length < 126) {
      head.put((byte) length);
    } else if (length <= 0xffff) {
      head.put((byte) 126).putShort((short) length);
    } else {
      head.put((byte) 127).putLong(length);
    }
    return head.put(prefix).flip();
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Frame(int opcode, boolean last, byte[] payload) {}

  /// A breach of the protocol, with the close code that the RFC names for it.
  private static final class Violation extends Exception {
    private static final long serialVersionUID = 1L;

    private final int code;
    private final String reason;

    Violation(int code, String reason) {
      super(reason, null, false, false);
      this.code = code;
      this.reason = reason;
    }
  }
}
