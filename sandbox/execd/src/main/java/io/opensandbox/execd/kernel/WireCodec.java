package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonPrefix;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// Multipart messages as kernels speak them over ZeroMQ, signed with HMAC-SHA256 (jupyter-client
/// messaging, "The Wire Protocol"). A message with a wrong signature is refused.
final class WireCodec {
  private static final byte[] DELIMITER = "<IDS|MSG>".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] EMPTY_OBJECT = {'{', '}'};
  private static final String ALGORITHM = "HmacSHA256";

  private final SecretKeySpec key;

  WireCodec(byte[] key) {
    this.key = new SecretKeySpec(key, ALGORITHM);
  }

  List<byte[]> encode(Request request) {
    byte[] signature = sign(request.header(), EMPTY_OBJECT, EMPTY_OBJECT, request.content());
    return List.of(
        DELIMITER, signature, request.header(), EMPTY_OBJECT, EMPTY_OBJECT, request.content());
  }

  Message decode(Message.Channel channel, ZmtpSocket.Frames received) throws IOException {
    List<byte[]> frames = received.parts();
    int at = 0;
    while (at < frames.size() && !Arrays.equals(frames.get(at), DELIMITER)) {
      at++;
    }
    if (frames.size() - at < 6) {
      throw new IOException("the kernel sent a message without its parts");
    }
    if (received.isCut()) {
      byte[] beginning = frames.get(at + 5);
      return new Message(
          channel,
          text(frames.get(at + 2), "msg_type"),
          text(frames.get(at + 3), "msg_id"),
          JsonPrefix.parseObject(beginning),
          beginning.length,
          true);
    }
    byte[] expected =
        sign(frames.get(at + 2), frames.get(at + 3), frames.get(at + 4), frames.get(at + 5));
    if (!MessageDigest.isEqual(expected, frames.get(at + 1))) {
      throw new IOException("the kernel sent a message with a wrong signature");
    }
    byte[] content = frames.get(at + 5);
    return new Message(
        channel,
        text(frames.get(at + 2), "msg_type"),
        text(frames.get(at + 3), "msg_id"),
        parse(content),
        content.length,
        false);
  }

  private static String text(byte[] json, String name) throws IOException {
    return parse(json).stringOrEmpty(name);
  }

  private static JsonObject parse(byte[] json) throws IOException {
    try {
      return JsonParser.parseObject(json);
    } catch (ExecdException e) {
      throw new IOException("the kernel sent a message that is not JSON", e);
    }
  }

  private byte[] sign(byte[]... parts) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      for (byte[] part : parts) {
        mac.update(part);
      }
      return HexFormat.of().formatHex(mac.doFinal()).getBytes(StandardCharsets.US_ASCII);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has " + ALGORITHM, e);
    }
  }
}
