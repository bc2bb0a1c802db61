package io.opensandbox.execd.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class WebSocketTest {
  private static final String HANDSHAKE =
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
          + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

  private final TestServer server = new TestServer(WebSocketTest::echo);

  @AfterEach
  void close() {
    server.close();
  }

  private static void echo(Exchange exchange) throws IOException {
    WebSocket socket = exchange.upgradeWebSocket();
    while (true) {
      switch (socket.receive()) {
        case WebSocketMessage.Text(String text) -> socket.sendText(text);
        case WebSocketMessage.Binary(byte[] bytes) ->
            socket.sendBinary(new byte[] {1}, bytes, 0, bytes.length);
        case WebSocketMessage.Closed _ -> {
          return;
        }
      }
    }
  }

  private RawClient open() throws IOException {
    RawClient client = server.connect();
    assertThat(client.send(HANDSHAKE).receiveHead().status()).isEqualTo(101);
    return client;
  }

  /// A masked frame.
  private static byte[] frame(int first, byte[] payload) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(first);
    if (payload.length < 126) {
      out.write(0x80 | payload.length);
    } else if (payload.length < 0x10000) {
      out.writeBytes(new byte[] {(byte) 0xfe, (byte) (payload.length >> 8), (byte) payload.length});
    } else {
      out.writeBytes(
          new byte[] {
            (byte) 0xff,
            0,
            0,
            0,
            0,
            0,
            (byte) (payload.length >> 16),
            (byte) (payload.length >> 8),
            (byte) payload.length
          });
    }
    byte[] mask = {1, 2, 3, 4};
    out.writeBytes(mask);
    for (int i = 0; i < payload.length; i++) {
      out.write(payload[i] ^ mask[i & 3]);
    }
    return out.toByteArray();
  }

  private static byte[] frame(int first, String payload) {
    return frame(first, payload.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void echoesTextAndBinary() throws IOException {
    try (RawClient client = open()) {
      client.send(frame(0x81, "é")).send(frame(0x82, new byte[] {7}));

      assertThat(client.readBytes(4))
          .isEqualTo(new byte[] {(byte) 0x81, 2, (byte) 0xc3, (byte) 0xa9});
      assertThat(client.readBytes(4)).isEqualTo(new byte[] {(byte) 0x82, 2, 1, 7});
    }
  }

  @Test
  void joinsFragmentsAndAnswersPingsBetweenThem() throws IOException {
    try (RawClient client = open()) {
      client
          .send(frame(0x01, "a"))
          .send(frame(0x89, "p"))
          .send(frame(0x00, "b"))
          .send(frame(0x80, "c"));

      assertThat(client.readBytes(3)).isEqualTo(new byte[] {(byte) 0x8a, 1, 'p'});
      assertThat(client.readBytes(5)).isEqualTo(new byte[] {(byte) 0x81, 3, 'a', 'b', 'c'});
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {125, 126, 65535, 65536, 300_000})
  void passesMessagesOfEveryLengthForm(int length) throws IOException {
    try (RawClient client = open()) {
      client.send(frame(0x81, "x".repeat(length)));

      int head = length < 126 ? 2 : length < 65536 ? 4 : 10;
      byte[] answer = client.readBytes(head + length);
      assertThat(new String(answer, head, length, StandardCharsets.US_ASCII))
          .isEqualTo("x".repeat(length));
    }
  }

  @ParameterizedTest
  @CsvSource({"1000, bye", "4001, TAKEN_OVER", "3000, ''"})
  void answersACloseFrameWithItsCode(int code, String reason) throws IOException {
    try (RawClient client = open()) {
      byte[] text = reason.getBytes(StandardCharsets.UTF_8);
      byte[] payload = new byte[2 + text.length];
      payload[0] = (byte) (code >> 8);
      payload[1] = (byte) code;
      System.arraycopy(text, 0, payload, 2, text.length);
      client.send(frame(0x88, payload));

      assertThat(client.readBytes(4))
          .isEqualTo(new byte[] {(byte) 0x88, 2, (byte) (code >> 8), (byte) code});
      assertThat(client.isClosed()).isTrue();
    }
  }

  /// First bytes of a frame in hexadecimal, and the close code that must come back.
  @ParameterizedTest
  @CsvSource({
    "8100, 1002", // no mask
    "C18000000000, 1002", // reserved bit
    "838000000000, 1002", // reserved opcode
    "8B8000000000, 1002", // reserved control opcode
    "808000000000, 1002", // continuation of nothing
    "098000000000, 1002", // fragmented ping
    "89FE007E00000000, 1002", // long ping
    "81FE000100000000, 1002", // length not in its shortest form
    "81FFFFFFFFFFFFFFFFFF, 1002", // negative length
    "888100000000FF, 1002", // close with one byte
    "88820000000003EE, 1002", // close code 1006
    "818100000000FF, 1007", // text that is not UTF-8
    "81FF000000000100000100000000, 1009", // larger than allowed
  })
  void closesOnABreachWithTheRightCode(String hex, int code) throws IOException {
    try (RawClient client = open()) {
      client.send(java.util.HexFormat.of().parseHex(hex));
      byte[] answer = client.readBytes(4);

      assertThat(answer[0]).isEqualTo((byte) 0x88);
      assertThat((answer[2] & 0xff) << 8 | (answer[3] & 0xff)).isEqualTo(code);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
      })
  void refusesWhatIsNoHandshake(String request) throws IOException {
    assertThat(server.request(request).status()).isEqualTo(400);
  }

  @Test
  void survivesRandomFrames() throws IOException {
    Random random = new Random(99);
    for (int round = 0; round < 200; round++) {
      byte[] bytes = new byte[random.nextInt(40)];
      random.nextBytes(bytes);
      try (RawClient client = open()) {
        client.send(bytes).endSending();
        client.readToEnd();
      }
    }
    assertThat(server.failures()).isEmpty();
  }
}
